using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>What one recommendation leaves in traces and metrics.</summary>
[Collection(nameof(Alone))]
public sealed class TelemetryTests(ApiWorld world, PostgresFixture postgres) : IClassFixture<ApiWorld>
{
    [Fact]
    public async Task A_trace_of_one_recommendation_shows_its_stages_and_their_sql_and_never_who_it_was_for()
    {
        var spans = new List<Activity>();
        await using var api = await ApiHost.StartAsync(
            world.Database, Quiet, builder =>
                builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddInMemoryExporter(spans)));
        await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        await api.GetAsync("/health/ready");
        api.Services.GetRequiredService<TracerProvider>().ForceFlush();

        var request = Assert.Single(spans, span => span.Source.Name == "Microsoft.AspNetCore");
        Assert.Equal("GET /v1/users/{userId}/recommendations", request.DisplayName);
        var recommend = Assert.Single(spans, span => span.OperationName == "recommend");
        Assert.Equal(request.SpanId, recommend.ParentSpanId);
        Assert.Equal("two_tower", recommend.GetTagItem("twotower.strategy"));
        Assert.Equal(world.Release.ModelVersion, recommend.GetTagItem("twotower.model_version"));

        foreach (var stage in new[] { "features", "tower", "search", "rank" })
        {
            var span = Assert.Single(spans, span => span.OperationName == stage);
            Assert.Equal(recommend.SpanId, span.ParentSpanId);
            var statements = spans.Count(child => child.Source.Name == "Npgsql" && child.ParentSpanId == span.SpanId && IsCommand(child));
            Assert.Equal(stage is "features" or "search" ? 1 : 0, statements);
        }

        // But for the span of the client, which is this test.
        foreach (var tag in spans.Where(span => span.TraceId == request.TraceId && span.Source.Name != "System.Net.Http").SelectMany(span => span.TagObjects))
        {
            Assert.DoesNotContain(ApiWorld.Viewer.ToString(), tag.Value?.ToString() ?? "", StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_value_that_answers_have_NULL_in_place_of_is_told_once_and_counted()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await db.ExecuteAsync(
            """
            update videos set price = 'NaN' where id in (select id from videos order by id limit 2);
            update profiles set created_at = 'infinity' where user_id = (select user_id from profiles order by user_id limit 1);
            """);
        var (video, user) = (await db.ScalarAsync<Guid>("select id from videos order by id limit 1"), await db.ScalarAsync<Guid>("select user_id from profiles order by user_id limit 1"));
        using var log = new LogProvider();
        var metrics = new List<Metric>();
        await using var api = await ApiHost.StartAsync(
            db,
            new() { ["TwoTower:Api:StatisticsRefreshSeconds"] = "1", ["Logging:LogLevel:TwoTower"] = "Debug" },
            builder =>
            {
                builder.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerProvider>(log);
                builder.Services.AddOpenTelemetry().WithMetrics(meters => meters.AddInMemoryExporter(metrics));
            });
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (log.Lines.Text.Count(line => line.Contains("Counted likes anew", StringComparison.Ordinal)) < 3) await Task.Delay(50, patience.Token);

        Assert.Equal(
            [
                $"public.videos.price has values that are NULL to models and in answers: 2; the first: {video} has NaN",
                "public.profiles.created_at has values that are NULL to models and in answers: 1; the first: a profile (twotower doctor says which) has infinity",
            ],
            log.Lines.Text.Where(line => line.Contains("are NULL to models", StringComparison.Ordinal)));
        Assert.DoesNotContain(log.Lines.Text, line => line.Contains(user.ToString(), StringComparison.Ordinal));
        api.Services.GetRequiredService<MeterProvider>().ForceFlush();
        var counted = new List<long>();
        foreach (ref readonly var point in metrics.Last(metric => metric.Name == "twotower.serving.odd_values").GetMetricPoints()) counted.Add(point.GetGaugeLastValueLong());
        Assert.Equal([1, 2], counted.Order());
    }

    [Fact]
    public async Task A_recommendation_is_linked_to_the_training_of_its_release_without_a_query_of_its_own()
    {
        var training = $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01";
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await db.ExecuteAsync($"update two_tower.releases set traceparent = '{training}'");
        var spans = new List<Activity>();
        await using var api = await ApiHost.StartAsync(
            db, Quiet, builder => builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddInMemoryExporter(spans)));
        for (var i = 0; i < 2; i++) await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        api.Services.GetRequiredService<TracerProvider>().ForceFlush();

        // Spans are the process's, so those of tests that run at the same time are here, too: these requests' are those with the link.
        var recommends = spans.Where(span => span.OperationName == "recommend"
            && span.Links.Any(link => training.Contains(link.Context.TraceId.ToString(), StringComparison.Ordinal))).ToList();
        Assert.Equal(2, recommends.Count);
        Assert.All(recommends, span =>
        {
            var link = Assert.Single(span.Links).Context;
            Assert.Equal(training, $"00-{link.TraceId}-{link.SpanId}-01");
            Assert.Equal(2, spans.Count(child => child.TraceId == span.TraceId && child.Source.Name == "Npgsql" && IsCommand(child)));
        });
    }

    [Fact]
    public async Task Metrics_tell_requests_by_strategy_the_stages_the_candidates_and_the_release()
    {
        var metrics = new List<Metric>();
        await using var api = await ApiHost.StartAsync(
            world.Database, Quiet, builder => builder.Services.AddOpenTelemetry().WithMetrics(m => m.AddInMemoryExporter(metrics)));
        await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=10");
        await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        await api.GetAsync($"/v1/videos/{ApiWorld.Stranger}/similar", 404);
        await api.PostAsync("/v1/decisions", new { userId = Guid.NewGuid(), videoId = Golden.ItemPayloads[0].VideoId, decision = "nope" }, 201);
        api.Services.GetRequiredService<MeterProvider>().ForceFlush();

        var points = metrics.Where(metric => metric.MeterName == "TwoTower.Serving").SelectMany(Points).ToList();
        foreach (var (name, label) in new[]
        {
            ("twotower.serving.requests", "strategy=two_tower"), ("twotower.serving.requests", "strategy=popular_and_fresh"),
            ("twotower.serving.stage.duration", "stage=features"), ("twotower.serving.stage.duration", "stage=tower"),
            ("twotower.serving.stage.duration", "stage=search"), ("twotower.serving.stage.duration", "stage=rank"),
            ("twotower.serving.candidates", "strategy=two_tower"), ("twotower.serving.candidates.dropped", "strategy=two_tower"),
            ("twotower.serving.unanswered", "reason=unknown_video"), ("twotower.serving.decisions", "decision=nope"),
            ("twotower.serving.release", $"model_version={world.Release.ModelVersion}"),
        })
        {
            Assert.Contains((name, label), points);
        }

        Assert.All(
            metrics.SelectMany(Points), point => Assert.DoesNotContain(ApiWorld.Viewer.ToString(), point.Label, StringComparison.Ordinal));
        Assert.Contains(metrics, metric => metric.MeterName == "Npgsql");
    }

    // The refresh of the statistics would leave spans of its own.
    private static Dictionary<string, string?> Quiet => new() { ["TwoTower:Api:StatisticsRefreshSeconds"] = "0" };

    private static bool IsCommand(Activity span) => span.TagObjects.Any(tag => tag.Key is "db.query.text" or "db.statement");

    private static List<(string Name, string Label)> Points(Metric metric)
    {
        var points = new List<(string, string)>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = new List<string>();
            foreach (var tag in point.Tags) labels.Add($"{tag.Key}={tag.Value}");
            points.Add((metric.Name, string.Join(",", labels)));
        }

        return points;
    }
}
