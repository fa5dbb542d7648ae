using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>
/// A release is retired and dropped just after a request has read that it is the active one. A lock holds the request at the place that is
/// meant, so that it happens every time.
/// </summary>
[Collection(nameof(Alone))]
public sealed class VanishingReleaseTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("two_tower.release_files", false)]          // before its tower is loaded: the search then finds it retired
    [InlineData("two_tower.release_files", true)]           // the same, and its files are freed as well
    [InlineData("two_tower.video_embeddings_1", true)]      // within the search, which waits for the table and finds it gone
    public async Task A_request_whose_release_goes_is_answered_by_the_one_that_came_after_one_retry(string heldAt, bool freed)
    {
        using var retries = new Retries();
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var store = new ReleaseStore(db.DataSource);
        var old = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(16, 1));
        var next = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(8, 2));
        Assert.Equal("two_tower.video_embeddings_1", old.Table);
        await db.ExecuteAsync($"update two_tower.releases set traceparent = case model_version when '{old.ModelVersion}' then '{Training(1)}' else '{Training(2)}' end");
        using var cache = new TowerCache(store, 2);
        var service = new RecommendationService(db.DataSource, cache, Options.Create(new RecommendationOptions()));
        var user = Golden.UserPayloads.First(user => user.DecisionStats.LikeCount > 3).UserId;

        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ServingTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        await using var holder = await db.DataSource.OpenConnectionAsync();
        await using var held = await holder.BeginTransactionAsync();
        await ExecuteAsync($"lock table {heldAt} in access exclusive mode");
        var answering = service.RecommendAsync(new(user, 10, false, new VideoFilter()), Golden.AsOf);
        while (await db.ScalarAsync<long>("select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())") == 0)
        {
            Assert.False(answering.IsCompleted);
            await Task.Delay(10);
        }

        await store.ActivateAsync(next.ModelVersion, "test", null);
        await store.TransitionAsync(old.ModelVersion, ReleaseState.Retired, "test", null);
        await ExecuteAsync($"drop table {old.Table}");
        if (freed) await ExecuteAsync($"select two_tower.free_release_files({old.Id})");
        await held.CommitAsync();

        var answer = await answering;
        Assert.Equal(next.ModelVersion, answer.ModelVersion);
        Assert.Equal(10, answer.Videos.Count);
        Assert.Equal(["release_gone"], retries.Reasons);

        // The release that didn't answer isn't linked, whichever step found that it had gone.
        var recommend = Assert.Single(spans, span => span.OperationName == "recommend" && Equals(span.GetTagItem("twotower.model_version"), next.ModelVersion));
        var link = Assert.Single(recommend.Links).Context;
        Assert.Equal(Training(2), $"00-{link.TraceId}-{link.SpanId}-01");

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, holder, held);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static string Training(int number) => $"00-0af7651916cd43dd8448eb211c80319{number}-b7ad6b716920333{number}-01";

    /// <summary>What the metric of retries counts meanwhile.</summary>
    private sealed class Retries : IDisposable
    {
        private readonly MeterListener _listener = new();

        public Retries()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "twotower.serving.retries") listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>(
                (_, count, tags, _) => Reasons.AddRange(Enumerable.Repeat((string)tags[0].Value!, (int)count)));
            _listener.Start();
        }

        public List<string> Reasons { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
