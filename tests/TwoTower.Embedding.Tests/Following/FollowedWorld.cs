using Microsoft.Extensions.Logging.Abstractions;
using Pgvector;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>A database with videos and releases that follow them.</summary>
internal sealed class FollowedWorld(TestDatabase db) : IAsyncDisposable
{
    /// <summary>Small batches, so that several workers have something to share.</summary>
    public static readonly EmbedderOptions Options = new()
    {
        FollowRows = 20,
        Embedding = new() { ChunkRows = 20, Workers = 2, Lease = TimeSpan.FromSeconds(3), SyncPublicTable = false },
    };

    private readonly List<EmbedderWorker> _workers = [];

    public TestDatabase Db => db;

    public ReleaseStore Store { get; } = new(db.DataSource);

    public static async Task<FollowedWorld> CreateAsync(PostgresFixture postgres, int videos = 60)
    {
        var db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(db, 1, videos);
        return new(db);
    }

    public EmbedderWorker Worker(EmbedderOptions? options = null)
    {
        var worker = new EmbedderWorker(
            db.DataSource, Microsoft.Extensions.Options.Options.Create(options ?? Options), TimeProvider.System,
            NullLogger<EmbedderWorker>.Instance);
        _workers.Add(worker);
        return worker;
    }

    public Task<Release> RegisterAsync(int seed, bool rpc = true, int dim = 16) =>
        Store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(dim, seed, rpc), Golden.AsOf.AddMinutes(seed)), new());

    /// <summary>Releases of different seeds, embedded; the last one is active, after the others were.</summary>
    public async Task<IReadOnlyList<Release>> ServeAsync(int releases = 1)
    {
        var registered = new List<Release>();
        for (var seed = 1; seed <= releases; seed++)
        {
            var release = await RegisterAsync(seed, rpc: seed % 2 == 1, dim: 8 + 4 * seed);
            await new EmbedJob(db.DataSource, TimeProvider.System).RunAsync(
                release.ModelVersion, Options.Embedding with { Activate = true });
            registered.Add(await Store.GetAsync(release.ModelVersion));
        }

        return registered;
    }

    /// <summary>Compares every vector of a release with what its tower gives for the video as it is now.</summary>
    public async Task AssertRightAsync(Release release) => Assert.Empty(await WrongAsync(release));

    /// <summary>Videos without a vector, with a wrong one, and vectors without a video.</summary>
    public async Task<IReadOnlyList<Guid>> WrongAsync(Release release)
    {
        using var tower = ItemTower.FromFiles(await Store.OpenAsync(release.ModelVersion));
        var items = (await db.ListAsync<string>("select payload::text from two_tower.item_payloads(array(select id from videos))")).Select(ItemPayload.Parse).ToList();
        var expected = new float[items.Count * tower.EmbeddingDim];
        tower.Encode(items, expected);
        var stored = new Dictionary<Guid, float[]>();
        await using (var command = db.DataSource.CreateCommand($"select video_id, embedding from {release.Table}"))
        await using (var row = await command.ExecuteReaderAsync())
        {
            while (await row.ReadAsync()) stored.Add(row.GetGuid(0), row.GetFieldValue<Vector>(1).ToArray());
        }

        var wrong = new List<Guid>();
        for (var i = 0; i < items.Count; i++)
        {
            if (!stored.Remove(items[i].VideoId, out var vector)
                || vector.Zip(expected.Skip(i * vector.Length)).Any(pair => MathF.Abs(pair.First - pair.Second) > 1e-5f)) wrong.Add(
                    items[i].VideoId);
        }

        return [.. wrong, .. stored.Keys];
    }

    /// <summary>Waits until a release's vectors are right.</summary>
    public async Task WaitUntilRightAsync(Release release)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while ((await WrongAsync(release)).Count > 0) await Task.Delay(50, patience.Token);
    }

    /// <summary>Videos that a search of the active release finds.</summary>
    public Task<IReadOnlyList<Guid>> SearchAsync(Release release) => db.ListAsync<Guid>(
        $"select video_id from two_tower.search_videos((select array_agg(1::real) from generate_series(1, {release.EmbeddingDim})), 500, null, 1, null, null, null, null, null)");

    public Task<long> WaitingAsync() =>
        db.ScalarAsync<long>("select (select count(*) from two_tower.embedding_queue) + (select count(*) from two_tower.embedding_changes)");

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.StopAsync(default);
            worker.Dispose();
        }

        await db.DisposeAsync();
    }
}
