using TwoTower.ServiceDefaults.Tests.Otlp;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class DemoTelemetryTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task All_parts_of_a_demo_send_traces_metrics_and_logs_under_their_names()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        _workplace.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        await _workplace.RunAsync([.. DemoTests.Demo(), "--otlp", receiver.Endpoint]);

        string[] parts = ["api", "embedder", "trainer"];
        Assert.Equal(parts, Names(receiver.Spans.Select(part => part.Resource)));
        Assert.Equal(parts, Names(receiver.Metrics.Select(part => part.Resource)));
        Assert.Equal(parts, Names(receiver.Logs.Select(part => part.Resource)));

        // Each span goes out once, though the parts share a process.
        var spans = receiver.Spans.SelectMany(part => part.ScopeSpans).SelectMany(scope => scope.Spans).ToList();
        Assert.Single(spans, span => span.Name == "train");
        Assert.Single(spans, span => span.Name == "embed release");
        Assert.Equal(spans.Count, spans.Select(span => span.SpanId).Distinct().Count());

        // A recommendation's stages, and the SQL beneath them.
        var recommend = spans.First(span => span.Name == "recommend");
        var stages = spans.Where(span => span.ParentSpanId == recommend.SpanId).ToList();
        Assert.Superset(new HashSet<string> { "features", "tower", "search", "rank" }, stages.Select(span => span.Name).ToHashSet());
        Assert.Contains(spans, span => span.ParentSpanId == stages.Single(stage => stage.Name == "search").SpanId);
    }

    [Fact]
    public async Task An_address_that_is_none_is_refused_before_anything_begins()
    {
        var result = await TwotowerProcess.RunAsync("demo", "--otlp", "localhost:4317");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--otlp 'localhost:4317': give an address such as http://127.0.0.1:4317", result.Err, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(IEnumerable<Resource> resources) => resources
        .Select(resource => resource.Attributes.Single(attribute => attribute.Key == "service.name").Value.StringValue).Distinct().Order();
}
