using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Releases;

[Collection("postgres")]
public class ReleaseTelemetryTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_release_counts_in_each_state_that_it_comes_into()
    {
        var states = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name == ReleaseTelemetry.Name) self.EnableMeasurementEvents(instrument); },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => states.Enqueue((string)tags[0].Value!));
        listener.Start();

        await using var db = await postgres.CreateDatabaseAsync();
        var store = new ReleaseStore(db.DataSource);
        var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: 1), Golden.AsOf), new Recipe());
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
        await db.ExecuteAsync($"create table {release.Table} (video_id uuid primary key)");
        await TestReleases.PassGateAsync(db, release.ModelVersion);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null);
        await store.ActivateAsync(release.ModelVersion, "test", null);
        await store.ActivateAsync(release.ModelVersion, "test", "again");

        Assert.Equal(["trained", "embedding", "ready", "active"], states);
    }
}
