using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.ServiceDefaults.Tests.Otlp;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>What leaves a process, at the receiving end of the wire.</summary>
public class OtlpExportTests
{
    [Fact]
    public async Task Traces_metrics_and_logs_arrive_under_the_services_name()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await RunAsync(receiver.Endpoint);

        var trace = Assert.Single(receiver.Spans);
        Assert.Equal("two-tower-test", ServiceName(trace.Resource));
        var spans = trace.ScopeSpans.Single(scope => scope.Scope.Name == "TwoTower.OtlpTest").Spans;
        Assert.Equal(["inner", "outer"], spans.Select(span => span.Name).Order());
        Assert.Equal(spans.Single(span => span.Name == "outer").SpanId, spans.Single(span => span.Name == "inner").ParentSpanId);

        Assert.All(receiver.Metrics, metrics => Assert.Equal("two-tower-test", ServiceName(metrics.Resource)));
        var metric = receiver.Metrics.SelectMany(metrics => metrics.ScopeMetrics)
            .Where(scope => scope.Scope.Name == "TwoTower.OtlpTest").SelectMany(scope => scope.Metrics).DistinctBy(metric => metric.Name);
        Assert.Equal(("twotower.test.videos", "{video}"), Assert.Single(metric.Select(found => (found.Name, found.Unit))));

        var log = receiver.Logs.SelectMany(logs => logs.ScopeLogs).SelectMany(scope => scope.LogRecords)
            .Single(record => record.Body.StringValue == "Embedded 3 videos");
        Assert.Equal(3, log.Attributes.Single(attribute => attribute.Key == "Count").Value.IntValue);
        Assert.Equal(spans[0].TraceId, log.TraceId);
    }

    [Fact]
    public async Task Without_an_endpoint_nothing_is_sent()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await RunAsync(endpoint: null);

        Assert.Empty(receiver.Spans);
        Assert.Empty(receiver.Metrics);
        Assert.Empty(receiver.Logs);
    }

    [Fact]
    public async Task A_receiver_that_is_away_disturbs_nobody()
    {
        var receiver = await OtlpReceiver.StartAsync();
        var endpoint = receiver.Endpoint;
        await receiver.DisposeAsync();

        await RunAsync(endpoint);
    }

    // A process that does some work and ends: what is still in its buffers is sent at the end.
    private static async Task RunAsync(string? endpoint)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = endpoint is null ? [] :
            [
                $"--OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "--OTEL_SERVICE_NAME=two-tower-test",
                "--OTEL_EXPORTER_OTLP_TIMEOUT=2000",
            ],
        });
        builder.AddServiceDefaults();
        using var host = builder.Build();
        await host.StartAsync();

        using var source = new ActivitySource("TwoTower.OtlpTest");
        using var meter = new Meter("TwoTower.OtlpTest");
        using (source.StartActivity("outer"))
        using (source.StartActivity("inner"))
        {
            host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("TwoTower.OtlpTest").LogInformation("Embedded {Count} videos", 3);
            meter.CreateCounter<long>("twotower.test.videos", "{video}").Add(3);
        }

        await host.StopAsync();
    }

    private static string ServiceName(Resource resource) =>
        resource.Attributes.Single(attribute => attribute.Key == "service.name").Value.StringValue;
}
