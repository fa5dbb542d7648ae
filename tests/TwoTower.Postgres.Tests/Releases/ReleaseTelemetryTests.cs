using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Releases;

[Collection(nameof(Alone))]
public class ReleaseTelemetryTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_release_counts_in_each_state_that_it_comes_into()
    {
        var states = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
                { if (instrument.Meter.Name == ReleaseTelemetry.Name) self.EnableMeasurementEvents(instrument); },
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
            Assert.Equal(
                (trained.TraceId, trained.SpanId), (Assert.Single(span.Links).Context.TraceId, Assert.Single(span.Links).Context.SpanId));
        }
    }

    [Fact]
    public async Task A_rollback_is_linked_to_the_training_of_the_release_that_is_active_afterwards()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (first, second, store) = await TwoReadyAsync(db);
        await store.ActivateAsync(first, "test", null);
        await store.ActivateAsync(second, "test", null);
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(spans.Enqueue, ReleaseTelemetry.Name);

        await store.RollbackAsync("test", null);

        Assert.Equal(first, (await store.GetActiveAsync())!.ModelVersion);
        var span = Assert.Single(spans, span => span.OperationName == "roll back" && Equals(span.GetTagItem("twotower.model_version"), first));
        var link = Assert.Single(span.Links).Context;
        Assert.Equal(TraceParent(1), $"00-{link.TraceId}-{link.SpanId}-01");
    }

    [Theory]
    [InlineData("activate")]
    [InlineData("activate after")]
    [InlineData("roll back")]
    public async Task A_move_that_has_happened_counts_and_succeeds_whatever_is_cancelled_then(string move)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (first, second, store) = await TwoReadyAsync(db);
        await store.ActivateAsync(first, "test", null);
        if (move == "roll back") await store.ActivateAsync(second, "test", null);

        // The caller gives up at the moment where the statement that moved ends.
        using var cancel = new CancellationTokenSource();
        using var listener = Listen(
            span =>
            {
                var sql = span.TagObjects.FirstOrDefault(tag => tag.Key is "db.query.text" or "db.statement").Value as string;
                if (sql?.Contains("activate_release", StringComparison.Ordinal) == true || sql?.Contains("rollback_release", StringComparison.Ordinal) == true) cancel.Cancel();
            },
            ReleaseTelemetry.Name, "Npgsql");
        var entered = 0;
        using var meter = new MeterListener
        {
            InstrumentPublished = (instrument, self) => { if (instrument.Name == "twotower.releases.transitions") self.EnableMeasurementEvents(instrument); },
        };
        meter.SetMeasurementEventCallback<long>((_, _, tags, _) => { if ((string)tags[0].Value! == "active") entered++; });
        meter.Start();

        if (move == "activate") await store.ActivateAsync(second, "test", null, cancel.Token);
        else if (move == "activate after") Assert.NotNull(await store.ActivateAfterAsync(second, first, "test", null, cancel.Token));
        else await store.RollbackAsync("test", null, cancel.Token);

        Assert.True(cancel.IsCancellationRequested, "the statement was never seen");
        Assert.Equal(1, entered);
        Assert.Equal(move == "roll back" ? first : second, (await store.GetActiveAsync())!.ModelVersion);
    }

    private static string TraceParent(int seed) => $"00-0af7651916cd43dd8448eb211c80319{seed}-b7ad6b716920333{seed}-01";

    private static async Task<(string First, string Second, ReleaseStore Store)> TwoReadyAsync(TestDatabase db)
    {
        var store = new ReleaseStore(db.DataSource);
        var versions = new List<string>();
        for (var seed = 1; seed <= 2; seed++)
        {
            var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: seed), Golden.AsOf), new Recipe());
            await db.ExecuteAsync($"update two_tower.releases set traceparent = '{TraceParent(seed)}' where model_version = '{release.ModelVersion}'");
            await store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
            await db.ExecuteAsync($"create table {release.Table} (video_id uuid primary key)");
            await TestReleases.PassGateAsync(db, release.ModelVersion);
            await store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null);
            versions.Add(release.ModelVersion);
        }

        return (versions[0], versions[1], store);
    }

    private static ActivityListener Listen(Action<Activity> stopped, params string[] sources)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => sources.Contains(source.Name),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = stopped,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    [Fact]
    public async Task A_release_that_nobody_traced_has_no_trace()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var release =
            await new ReleaseStore(db.DataSource).RegisterAsync(
                ReleaseFiles.Build(TestCheckpoints.Random(seed: 3), Golden.AsOf), new Recipe());
        Assert.Null(release.TraceParent);
    }
}
