using System.Runtime.CompilerServices;
using Npgsql;
using Pgvector;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Releases;

/// <summary>The table with the vectors of one release: made beside the live one's, dropped when the release is retired.</summary>
internal sealed class ReleaseVectors
{
    private const int ReadRows = 4096;
    private readonly NpgsqlDataSource _db;

    private ReleaseVectors(NpgsqlDataSource db, Release release, ServerInfo server)
    {
        (_db, Release) = (db, release);
        VectorVersion = server.VectorVersion!;
        VectorSchema = server.VectorSchema!;
    }

    /// <summary>Whose vectors.</summary>
    public Release Release { get; }

    /// <summary>Name of the table, <c>two_tower.video_embeddings_7</c>.</summary>
    public string Table => Release.Table;

    /// <summary>Name of its HNSW index, in the same schema.</summary>
    public string Index => $"video_embeddings_{Release.Id}_hnsw";

    /// <summary>Version of pgvector.</summary>
    public Version VectorVersion { get; }

    /// <summary>Schema with pgvector's types, quoted where needed.</summary>
    public string VectorSchema { get; }

    /// <summary>Type of a vector in SQL, without its length.</summary>
    public string TypeName => $"{VectorSchema}.{ReleaseRow.Name(Release.VectorType)}";

    /// <summary>Binds a release to the database.</summary>
    /// <exception cref="InputException">The server doesn't answer, or has no usable pgvector.</exception>
    public static async Task<ReleaseVectors> OpenAsync(NpgsqlDataSource db, Release release, CancellationToken ct = default)
    {
        return Open(db, release, await ServerCheck.ReadAsync(db, ct).ConfigureAwait(false));
    }

    /// <summary>Binds a release to a database whose server is known already.</summary>
    /// <exception cref="InputException">It has no usable pgvector.</exception>
    public static ReleaseVectors Open(NpgsqlDataSource db, Release release, ServerInfo server)
    {
        ArgumentNullException.ThrowIfNull(server);
        ServerCheck.Require(server);
        return new(db, release, server);
    }

    /// <summary>Makes the table unless it is there, in the connection's transaction.</summary>
    /// <param name="connection">In a transaction.</param>
    /// <param name="afresh">True drops one that is there, with its vectors.</param>
    /// <param name="historyDim">Length of a history vector, for a release whose user tower reads histories; 0 for others.</param>
    public Task CreateAsync(NpgsqlConnection connection, bool afresh = false, int historyDim = 0, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var command = new NpgsqlCommand(
            $"""
            {(afresh ? $"drop table if exists {Table};" : "")}
            create table if not exists {Table} (
                video_id uuid primary key,
                embedding {TypeName}({Release.EmbeddingDim}) not null,
                feature_hash bigint,
                updated_at timestamptz not null default now()
            );
            alter table {Table} alter column embedding set storage external;
            {(historyDim == 0 ? "" : HistoryColumn(historyDim))}
            comment on table {Table} is 'TwoTower: vectors of release {Release.ModelVersion.Replace("'", "''", StringComparison.Ordinal)}';
            """, connection);
        return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    });

    // Half precision, and kept in the row: a request reads one for each decision of its user, and nothing else of the row.
    private string HistoryColumn(int dim) =>
        $"alter table {Table} add column if not exists history {VectorSchema}.halfvec({dim}); alter table {Table} alter column history set storage main;";

    /// <summary>How many of these videos there are still, and have a vector.</summary>
    public async Task<(long There, IReadOnlyList<Guid> Missing)> MissingAsync(IReadOnlyList<Guid> videoIds, CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand(
            $"""
            select v.id, e.video_id is null
            from unnest($1) as w(id) join public.videos v on v.id = w.id left join {Table} e on e.video_id = v.id
            order by v.id
            """);
        command.Parameters.Add(new() { Value = videoIds as Guid[] ?? [.. videoIds] });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        long there = 0;
        var missing = new List<Guid>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            there++;
            if (reader.GetBoolean(1)) missing.Add(reader.GetGuid(0));
        }

        return (there, missing);
    }

    /// <summary>Videos that have no vector, the first <paramref name="limit"/> in order of id.</summary>
    public async Task<IReadOnlyList<Guid>> WithoutVectorAsync(int limit, CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand(
            $"select v.id from public.videos v where not exists (select from {Table} e where e.video_id = v.id) order by v.id limit $1");
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false)) ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>Videos that are gone and have a vector still.</summary>
    public async Task<IReadOnlyList<Guid>> WithoutVideoAsync(CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand(
            $"select e.video_id from {Table} e where not exists (select from public.videos v where v.id = e.video_id) order by 1");
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false)) ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>What the features were that the vectors of these videos are of; without those that have no vector, null where it isn't known.</summary>
    public async Task<IReadOnlyDictionary<Guid, long?>> HashesAsync(IReadOnlyList<Guid> videoIds, CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand($"select video_id, feature_hash from {Table} where video_id = any ($1)");
        command.Parameters.Add(new() { Value = videoIds as Guid[] ?? [.. videoIds] });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var hashes = new Dictionary<Guid, long?>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false)) hashes.Add(reader.GetGuid(0), reader.IsDBNull(1) ? null : reader.GetInt64(1));
        return hashes;
    }

    /// <summary>Removes the vectors of these videos, in the connection's transaction; returns how many there were.</summary>
    public async Task<long> RemoveAsync(NpgsqlConnection connection, IReadOnlyList<Guid> videoIds, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(videoIds);
        if (videoIds.Count == 0) return 0;
        await using var command = new NpgsqlCommand($"delete from {Table} where video_id = any ($1)", connection);
        command.Parameters.Add(new() { Value = videoIds as Guid[] ?? [.. videoIds] });
        return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Rows of the table.</summary>
    public async Task<long> CountAsync(CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand($"select count(*) from {Table}");
        return (long)(await command.ExecuteScalarAsync(ct).ConfigureAwait(false))!;
    }

    /// <summary>Vectors whose length isn't 1 within <see cref="UnitVector.Tolerance"/>: how many, and one of them.</summary>
    public async Task<(long Count, Guid? Example)> NotUnitAsync(CancellationToken ct = default)
    {
        var norm = Release.VectorType == VectorType.HalfVec ? "l2_norm" : "vector_norm";
        await using var command = _db.CreateCommand(
            $"""
            select count(*), (min(video_id::text))::uuid from {Table}
            where not abs({VectorSchema}.{norm}(embedding) - 1) <= $1
            """);
        command.Parameters.Add(new() { Value = UnitVector.Tolerance });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await reader.ReadAsync(ct).ConfigureAwait(false);
        return (reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetGuid(1));
    }

    /// <summary>Streams the vectors, ordered by video id: what an export writes.</summary>
    public async IAsyncEnumerable<EmbeddingBatch> ReadAsync([EnumeratorCancellation] CancellationToken ct = default)
    {
        var dim = Release.EmbeddingDim;
        await using var command = _db.CreateCommand($"select video_id, embedding from {Table} order by video_id");
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var ids = new List<Guid>(ReadRows);
        var vectors = new float[ReadRows * dim];
        while (await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            var row = vectors.AsSpan(ids.Count * dim, dim);
            if (Release.VectorType == VectorType.HalfVec)
            {
                var half = reader.GetFieldValue<HalfVector>(1).Memory.Span;
                for (var i = 0; i < dim; i++) row[i] = (float)half[i];
            }
            else
            {
                reader.GetFieldValue<Vector>(1).Memory.Span.CopyTo(row);
            }

            ids.Add(reader.GetGuid(0));
            if (ids.Count < ReadRows) continue;
            yield return new EmbeddingBatch(ids, vectors, dim);
            (ids, vectors) = (new List<Guid>(ReadRows), new float[ReadRows * dim]);
        }

        if (ids.Count > 0) yield return new EmbeddingBatch(ids, vectors, dim);
    }

    /// <summary>Reads all history vectors of the table: for whoever pools many histories that aren't rows of the database.</summary>
    public async Task<HistoryPool> ReadHistoriesAsync(CancellationToken ct = default)
    {
        await using var command = _db.CreateCommand($"select video_id, history from {Table} where history is not null order by video_id");
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var rows = new Dictionary<Guid, int>();
        var vectors = new List<float>();
        var dim = 0;
        while (await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            var history = reader.GetFieldValue<HalfVector>(1).Memory.Span;
            rows.Add(reader.GetGuid(0), rows.Count);
            foreach (var value in history) vectors.Add((float)value);
            dim = history.Length;
        }

        return new(rows, [.. vectors], dim / 2);
    }
}
