using Npgsql;
using Pgvector;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Gate;

/// <summary>The gate's checks of a release's table.</summary>
internal static class VectorChecks
{
    private const int Named = 3;

    // Videos whose vectors are computed again; every one of them was, or will be, looked at by somebody.
    private const int Sample = 256;

    /// <summary>The type of the column: null without a table.</summary>
    public static Task<string?> TypeAsync(NpgsqlDataSource db, Release release, CancellationToken ct) => db.Sql(
        """
        select format_type(a.atttypid, a.atttypmod) from pg_attribute a
        where a.attrelid = to_regclass(@table) and a.attname = 'embedding' and not a.attisdropped
        """)
        .With("table", release.Table).ScalarAsync<string>(ct);

    /// <summary>
    /// The table has the release's type and dimension, a vector for each video that was there and still is, all of unit length, and an
    /// index.
    /// </summary>
    /// <param name="vectors">The table.</param>
    /// <param name="videoIds">The videos that were there.</param>
    /// <param name="complete">False when missing vectors are no fault.</param>
    public static async Task<(GateCheck Check, long Missing)> TableAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, IReadOnlyList<Guid> videoIds, bool complete, CancellationToken ct)
    {
        var release = vectors.Release;
        var type = await TypeAsync(db, release, ct);
        var expected = $"{ReleaseRow.Name(release.VectorType)}({release.EmbeddingDim})";
        if (type is null) return (new("vectors", false, "it has no vectors: embed it first"), videoIds.Count);
        if (type[(type.LastIndexOf('.') + 1)..] != expected) return (new("vectors", false, $"the vectors are {type}, the release says {expected}"), 0);

        var wrong = new List<string>();
        var (there, missing) = await vectors.MissingAsync(videoIds, ct);
        if (complete && missing.Count > 0)
        {
            wrong.Add($"{missing.Count} of {there} videos have no vector, such as {string.Join(", ", missing.Take(Named))}");
        }

        // pgvector itself refuses NaN and infinity.
        var (stretched, example) = await vectors.NotUnitAsync(ct);
        if (stretched > 0) wrong.Add($"{stretched} vectors aren't of unit length, such as that of video {example}");
        if (!await VectorIndex.ExistsAsync(db, vectors, ct)) wrong.Add($"the index {vectors.Index} isn't there");
        return wrong.Count > 0
            ? (new("vectors", false, string.Join("; ", wrong)), missing.Count)
            : (new("vectors", true, $"{there - missing.Count} of {there} videos have a vector, {expected}, of unit length, under an index"), missing.Count);
    }

    /// <summary>
    /// The item tower gives the vectors that are stored. Of a video that has changed since (its features' hash tells) nothing can be
    /// said; vectors without a hash came with a bundle, where a few changed ones are no fault and a majority is.
    /// </summary>
    public static async Task<GateCheck> AgreementAsync(NpgsqlDataSource db, ReleaseVectors vectors, ItemTower tower, CancellationToken ct)
    {
        var stored = await SampleAsync(db, vectors, ct);
        var items = new List<ItemPayload>(stored.Count);
        await foreach (var item in PayloadReader.ReadItemsAsync(db, stored.Keys, tower.VideoFeatures, ct)) items.Add(item);
        var dim = tower.EmbeddingDim;
        var (embeddings, hashes) = (new float[items.Count * dim], new long[items.Count]);
        tower.Encode(items, embeddings, hashes);
        var tolerance = vectors.Release.VectorType == VectorType.HalfVec ? 2e-3f : 1e-4f;
        int same = 0, changed = 0, unknown = 0;
        Guid? wrong = null;
        for (var i = 0; i < items.Count; i++)
        {
            var (vector, hash) = stored[items[i].VideoId];
            var agrees = Enumerable.Range(0, dim).All(k => Math.Abs(vector[k] - embeddings[i * dim + k]) <= tolerance);
            if (agrees) same++;
            else if (hash == hashes[i]) wrong ??= items[i].VideoId;
            else if (hash is null) unknown++;
            else changed++;
        }

        return wrong is not null || unknown > same
            ? new("agreement", false, wrong is not null
                ? $"the item tower gives another vector than the stored one for video {wrong}"
                : $"the item tower gives other vectors than the stored ones for {unknown} of {items.Count} videos")
            : new("agreement", true, $"the item tower gives the stored vectors of {same} of {items.Count} videos; {changed + unknown} have changed since");
    }

    private static async Task<Dictionary<Guid, (float[] Vector, long? Hash)>> SampleAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, CancellationToken ct)
    {
        // By a hash of the id: the same videos every time, and of all ages.
        var isHalf = vectors.Release.VectorType == VectorType.HalfVec;
        var sample = await WholeTables.ReadAsync(db, WholeTables.Catalogue, connection => connection.Sql(
            $"""
            select e.video_id, e.embedding, e.feature_hash
            from {vectors.Table} e join public.videos v on v.id = e.video_id order by hashtext(e.video_id::text), e.video_id limit @limit
            """)
            .With("limit", Sample)
            .ListAsync(row => (
                Id: row.Get<Guid>("video_id"),
                Vector: isHalf
                    ? Array.ConvertAll(row.Get<HalfVector>("embedding").ToArray(), half => (float)half)
                    : row.Get<Vector>("embedding").ToArray(),
                Hash: row.Get<long?>("feature_hash")), ct), ct);
        return sample.ToDictionary(row => row.Id, row => (row.Vector, row.Hash));
    }
}
