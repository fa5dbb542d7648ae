using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TwoTower.ServiceDefaults.Tests.Otlp;

/// <summary>A receiver of OTLP over HTTP (protobuf) on this machine, as a collector or the Aspire dashboard is one.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private OtlpReceiver(WebApplication app) => this.app = app;

    public ConcurrentQueue<ResourceSpans> Spans { get; } = [];

    public ConcurrentQueue<ResourceMetrics> Metrics { get; } = [];

    public ConcurrentQueue<ResourceLogs> Logs { get; } = [];

    public string Endpoint => app.Urls.Single();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(builder.Build());
        receiver.Accept("/v1/traces", TraceRequest.Parser, request => request.ResourceSpans, receiver.Spans);
        receiver.Accept("/v1/metrics", MetricsRequest.Parser, request => request.ResourceMetrics, receiver.Metrics);
        receiver.Accept("/v1/logs", LogsRequest.Parser, request => request.ResourceLogs, receiver.Logs);
        await receiver.app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private void Accept<TRequest, TItem>(
        string path, MessageParser<TRequest> parser, Func<TRequest, IEnumerable<TItem>> items, ConcurrentQueue<TItem> received)
        where TRequest : IMessage<TRequest> =>
        app.MapPost(path, async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            foreach (var item in items(parser.ParseFrom(body.ToArray())))
            {
                received.Enqueue(item);
            }

            // An empty message: everything was accepted.
            return Results.Bytes([], "application/x-protobuf");
        });
}
