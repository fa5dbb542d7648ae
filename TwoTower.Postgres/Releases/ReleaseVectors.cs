using System.Runtime.CompilerServices;
using Npgsql;
using Pgvector;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

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
        return Open(db, release, await ServerCheck.ReadAsync(db, ct));
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
    public Task CreateAsync(NpgsqlConnection connection, bool afresh = false, int historyDim = 0, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
    {
        return await connection.Sql(
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
            """).ExecuteAsync(ct);
    });

    // Half precision, and kept in the row: a request reads one for each decision of its user, and nothing else of the row.
    private string HistoryColumn(int dim) =>
        $"alter table {Table} add column if not exists history {VectorSchema}.halfvec({dim}); alter table {Table} alter column history set storage main;";

    /// <summary>How many of these videos there are still, and have a vector.</summary>
    /// <exception cref="InputException">Row-level security hides videos.</exception>
    public async Task<(long There, IReadOnlyList<Guid> Missing)> MissingAsync(IReadOnlyList<Guid> videoIds, CancellationToken ct = default)
    {
        var there = await WholeTables.ReadAsync(_db, WholeTables.Catalogue, connection => connection.Sql(
            $"""
            select v.id, e.video_id is null as is_missing
            from unnest(@ids) as w(id) join public.videos v on v.id = w.id left join {Table} e on e.video_id = v.id
            order by v.id
            """)
            .With("ids", videoIds as Guid[] ?? [.. videoIds])
            .ListAsync(row => (Id: row.Get<Guid>("id"), IsMissing: row.Get<bool>("is_missing")), ct), ct);
        return (there.Count, [.. there.Where(video => video.IsMissing).Select(video => video.Id)]);
    }

    /// <summary>Videos that have no vector, the first <paramref name="limit"/> in order of id.</summary>
    public async Task<IReadOnlyList<Guid>> WithoutVectorAsync(int limit, CancellationToken ct = default) =>
        await WholeTables.ReadAsync(_db, WholeTables.Catalogue, connection => connection.Sql(
            $"""
            select v.id from public.videos v where v.id is not null and not exists (select from {Table} e where e.video_id = v.id)
            order by v.id limit @limit
            """)
            .With("limit", limit).ListAsync<Guid>(ct), ct);

    /// <summary>Videos that are gone and have a vector still.</summary>
    public async Task<IReadOnlyList<Guid>> WithoutVideoAsync(CancellationToken ct = default) =>
        await WholeTables.ReadAsync(_db, WholeTables.Catalogue, connection => connection.Sql(
            $"""
            select e.video_id from {Table} e where not exists (select from public.videos v where v.id = e.video_id)
            order by e.video_id
            """)
            .ListAsync<Guid>(ct), ct);

    /// <summary>What the features were that the vectors of these videos are of; without those that have no vector, null where it isn't
    /// known.</summary>
    public async Task<IReadOnlyDictionary<Guid, long?>> HashesAsync(IReadOnlyList<Guid> videoIds, CancellationToken ct = default) =>
        (await _db.Sql($"select video_id, feature_hash from {Table} where video_id = any (@ids)")
            .With("ids", videoIds as Guid[] ?? [.. videoIds])
            .ListAsync(row => (Id: row.Get<Guid>("video_id"), Hash: row.Get<long?>("feature_hash")), ct))
        .ToDictionary(row => row.Id, row => row.Hash);

    /// <summary>Removes the vectors of these videos, in the connection's transaction; returns how many there were.</summary>
    public async Task<long> RemoveAsync(NpgsqlConnection connection, IReadOnlyList<Guid> videoIds, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(videoIds);
        if (videoIds.Count == 0) return 0;
        return await connection.Sql($"delete from {Table} where video_id = any (@ids)").With("ids", videoIds as Guid[] ?? [.. videoIds])
            .ExecuteAsync(ct);
    }

    /// <summary>Rows of the table.</summary>
    public Task<long> CountAsync(CancellationToken ct = default) => _db.Sql($"select count(*) from {Table}").ScalarAsync<long>(ct);

    /// <summary>Vectors whose length isn't 1 within <see cref="UnitVector.Tolerance"/>: how many, and one of them.</summary>
    public Task<(long Count, Guid? Example)> NotUnitAsync(CancellationToken ct = default)
    {
        var norm = Release.VectorType == VectorType.HalfVec ? "l2_norm" : "vector_norm";
        return WholeTables.UntimedAsync(_db, connection => connection.Sql(
            $"""
            select count(*) as vectors, (min(video_id::text))::uuid as example from {Table}
            where not abs({VectorSchema}.{norm}(embedding) - 1) <= @tolerance
            """)
            .With("tolerance", UnitVector.Tolerance).SingleAsync(row => (row.Get<long>("vectors"), row.Get<Guid?>("example")), ct), ct);
    }

    /// <summary>Streams the vectors, ordered by video id: what an export writes.</summary>
    public async IAsyncEnumerable<EmbeddingBatch> ReadAsync([EnumeratorCancellation] CancellationToken ct = default)
    {
        var dim = Release.EmbeddingDim;
        var ids = new List<Guid>(ReadRows);
        var vectors = new float[ReadRows * dim];
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await WholeTables.UntimeAsync(connection, ct);
        var rows = connection.Sql($"select video_id, embedding from {Table} order by video_id").StreamAsync(row =>
        {
            var place = vectors.AsSpan(ids.Count * dim, dim);
            if (Release.VectorType == VectorType.HalfVec) ToFloats(row.Get<HalfVector>("embedding"), place);
            else row.Get<Vector>("embedding").Memory.Span.CopyTo(place);
            return row.Get<Guid>("video_id");
        }, ct);
        await foreach (var id in rows)
        {
            ids.Add(id);
            if (ids.Count < ReadRows) continue;
            yield return new EmbeddingBatch(ids, vectors, dim);
            (ids, vectors) = (new List<Guid>(ReadRows), new float[ReadRows * dim]);
        }

        if (ids.Count > 0) yield return new EmbeddingBatch(ids, vectors, dim);
    }

    /// <summary>Reads all history vectors of the table: for whoever pools many histories that aren't rows of the database.</summary>
    public async Task<HistoryPool> ReadHistoriesAsync(CancellationToken ct = default)
    {
        var rows = new Dictionary<Guid, int>();
        var vectors = new List<float>();
        var dim = 0;
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await WholeTables.UntimeAsync(connection, ct);
        var histories = connection.Sql($"select video_id, history from {Table} where history is not null order by video_id")
            .StreamAsync(row => (Id: row.Get<Guid>("video_id"), History: row.Get<HalfVector>("history")), ct);
        await foreach (var (id, history) in histories)
        {
            rows.Add(id, rows.Count);
            dim = history.Memory.Length;
            foreach (var value in history.Memory.Span) vectors.Add((float)value);
        }

        return new(rows, [.. vectors], dim / 2);
    }

    private static void ToFloats(HalfVector vector, Span<float> floats)
    {
        var half = vector.Memory.Span;
        for (var i = 0; i < floats.Length; i++) floats[i] = (float)half[i];
    }
}
