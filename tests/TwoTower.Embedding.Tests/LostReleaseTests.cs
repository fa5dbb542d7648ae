using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>A release that passes the gate and lost in service all the same: nothing activates it by itself any more.</summary>
public sealed class LostReleaseTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_was_rolled_back_automatically_is_not_activated_by_the_embedder_though_it_passes_the_gate()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TasteWorld.InsertAsync(db);
        var store = new ReleaseStore(db.DataSource);
        var options = new EmbedOptions { Workers = 2, Activate = true, SyncPublicTable = false };
        var releases = new List<Release>();
        for (var n = 0; n < 2; n++)
        {
            var checkpoint = TasteWorld.Checkpoint();
            releases.Add(await store.RegisterAsync(ReleaseFiles.Build(checkpoint, Golden.AsOf.AddMinutes(n)), checkpoint.Recipe));
            Assert.True((await new EmbedJob(db.DataSource, TimeProvider.System).RunAsync(releases[n].ModelVersion, options)).Activated);
        }

        await db.ExecuteAsync($"select two_tower.add_serving_counts(array['{releases[1].ModelVersion}'], array[0], array[0], array[500])");
        await db.ExecuteAsync(
            $"select two_tower.add_serving_faults(array_agg('{releases[1].ModelVersion}'::text), array_agg('failed'::text), array_agg(gen_random_uuid())) from generate_series(1, 500)");
        Assert.NotNull(await new AutomaticRollback(db.DataSource, new()).CheckAsync());

        var refused =
            await Assert.ThrowsAsync<InputException>(
                () => new EmbedJob(db.DataSource, TimeProvider.System).RunAsync(releases[1].ModelVersion, options));
        Assert.Contains("was rolled back automatically", refused.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Ready, (await store.GetAsync(releases[1].ModelVersion)).State);
        Assert.Equal(releases[0].ModelVersion, (await store.GetActiveAsync())!.ModelVersion);
        Assert.True((await store.ActivateAsync(releases[1].ModelVersion, "alice", "by hand")).Changed);
    }
}
