using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Postgres.Gate;
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

    [Fact]
    public async Task The_trace_that_registered_a_release_is_found_from_its_gate_and_its_activation()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var training = new ActivitySource($"{nameof(ReleaseTelemetryTests)} {Guid.NewGuid()}");
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ReleaseTelemetry.Name || source == training,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var db = await postgres.CreateDatabaseAsync();
        var store = new ReleaseStore(db.DataSource);
        Release release;
        ActivityContext trained;
        using (var train = training.StartActivity("train"))
        {
            release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: 2), Golden.AsOf), new Recipe());
            trained = train!.Context;
        }

        Assert.Equal($"00-{trained.TraceId}-{trained.SpanId}-01", release.TraceParent);
        Assert.Equal(release.TraceParent, (await store.OpenAsync(release.ModelVersion)).TraceParent);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
        await TestReleases.FillAsync(db, release, await store.OpenAsync(release.ModelVersion));
        await new ReleaseGate(db.DataSource, new()).RunAsync(release, null, "test");
        await TestReleases.PassGateAsync(db, release.ModelVersion);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null);
        await store.ActivateAsync(release.ModelVersion, "test", null);

        foreach (var name in new[] { "gate", "activate release" })
        {
            var span = Assert.Single(spans, span => span.OperationName == name && Equals(span.GetTagItem("twotower.model_version"), release.ModelVersion));
            Assert.Equal((trained.TraceId, trained.SpanId), (Assert.Single(span.Links).Context.TraceId, Assert.Single(span.Links).Context.SpanId));
        }
    }

    [Fact]
    public async Task A_release_that_nobody_traced_has_no_trace()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var release = await new ReleaseStore(db.DataSource).RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: 3), Golden.AsOf), new Recipe());
        Assert.Null(release.TraceParent);
    }
}
