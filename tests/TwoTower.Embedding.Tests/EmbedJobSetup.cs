using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>Tests of the embedding job, each with a database of 300 videos, one of which isn't active.</summary>
public abstract class EmbedJobSetup(PostgresFixture postgres) : IAsyncLifetime
{
    internal static readonly EmbedOptions Options = new() { ChunkRows = 50, Workers = 2, Lease = TimeSpan.FromSeconds(3) };

    private protected TestDatabase Db { get; private set; } = null!;

    private protected ReleaseStore Store { get; private set; } = null!;

    private protected EmbedJob Job => new(Db.DataSource, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        Db = await postgres.CreateDatabaseAsync();
        Store = new(Db.DataSource);
        await TestVideos.InsertAsync(Db, 1, 300);
        await Db.ExecuteAsync("update public.videos set is_active = false where title = 'video 17'");
    }

    public async ValueTask DisposeAsync()
    {
        await Db.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Task<Release> RegisterAsync(int seed = 1, int dim = 16, bool rpc = true) =>
        Store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(dim, seed, rpc), Golden.AsOf.AddMinutes(seed)), new Recipe());
}
