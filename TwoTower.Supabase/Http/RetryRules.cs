using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.Retry;

namespace TwoTower.Supabase.Http;

/// <summary>Which answers another try can mend, and how long to wait before it.</summary>
internal static class RetryRules
{
    /// <summary>Tries after the first.</summary>
    public const int Most = 6;

    // SQLSTATEs and codes of PostgREST's that are about the moment, not about the request: connections, resources, locks, a restart. A
    // statement that takes too long (57014) does so again, unless it is asked for less.
    private static readonly string[] Passing = ["08", "40001", "40P01", "53", "55P03", "57P", "PGRST000", "PGRST001", "PGRST002", "PGRST003"];

    /// <summary>
    /// Waits longer each time, or as long as Retry-After says; gives up after <see cref="Most"/> tries. Every request here may be sent again:
    /// reads, upserts, uploads and copies over what is there.
    /// </summary>
    /// <param name="delay">Before the first of them.</param>
    /// <param name="answer">How long a try may take.</param>
    /// <param name="retrying">Told why, and how long it waits.</param>
    public static ResiliencePipeline<HttpResponseMessage> Pipeline(
        TimeProvider time, TimeSpan delay, TimeSpan answer, Action<string, TimeSpan>? retrying) =>
        new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = Most,
                Delay = delay,
                MaxDelay = TimeSpan.FromSeconds(30),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = async args => args.Outcome switch
                {
                    { Exception: { } error } => IsBroken(error, args.Context.CancellationToken),
                    { Result: { } response } => await IsPassingAsync(response, args.Context.CancellationToken),
                    _ => false,
                },
                OnRetry = args =>
                {
                    var why = args.Outcome.Result is { } response ? $"answers {(int)response.StatusCode}" : args.Outcome.Exception?.Message ?? "doesn't answer";
                    retrying?.Invoke(why, args.RetryDelay);
                    return default;
                },
            })
            .AddTimeout(answer)
            .Build();

    /// <summary>As <see cref="Pipeline"/>, for a body that is read after its headers came.</summary>
    public static ResiliencePipeline Reading(TimeProvider time, TimeSpan delay) => new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = Most,
            Delay = delay,
            MaxDelay = TimeSpan.FromSeconds(30),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldHandle = args => new(args.Outcome.Exception is { } error && IsBroken(error, args.Context.CancellationToken)),
        })
        .Build();

    /// <summary>Whether a connection broke, or nothing came for too long; a cancellation that nobody asked for is a time-out.</summary>
    public static bool IsBroken(Exception error, CancellationToken ct) => error switch
    {
        HttpRequestException or IOException or Polly.Timeout.TimeoutRejectedException => true,
        OperationCanceledException => !ct.IsCancellationRequested,
        _ => false,
    };

    /// <summary>Whether the same request may be answered otherwise in a moment.</summary>
    public static async Task<bool> IsPassingAsync(HttpResponseMessage response, CancellationToken ct)
    {
        var status = (int)response.StatusCode;
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout) return true;
        if (status >= 500)
        {
            // What PostgREST itself says: a batch that names a row twice is a 500, too, however often it is sent.
            return CodeOf(response) is not { } code || Passing.Any(passing => code.StartsWith(passing, StringComparison.Ordinal));
        }

        // Storage says 400 and means what its body says.
        if (status != 400 || response.Content.Headers.ContentType?.MediaType != "application/json") return false;
        await response.Content.LoadIntoBufferAsync(ct);
        return await RemoteError.ReadAsync(response, ct) is { Status: 429 or 408 or >= 500 };
    }

    private static string? CodeOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Proxy-Status", out var values) && values.FirstOrDefault() is { } value
            && value.IndexOf("error=", StringComparison.Ordinal) is >= 0 and var at
            ? value[(at + "error=".Length)..].Split([';', ' '])[0] : null;
}

/// <summary>What an answer's body says of an error.</summary>
/// <param name="Status">The status that is meant; Storage has its own in the body.</param>
/// <param name="Code">A SQLSTATE, a code of PostgREST's or of Storage's; empty where a gateway answers.</param>
/// <param name="Message">For a person.</param>
/// <param name="Details">More.</param>
internal sealed record RemoteError(int Status, string Code, string Message, string? Details)
{
    /// <summary>The SQLSTATE of a statement that took longer than the project allows.</summary>
    public const string TooSlow = "57014";

    /// <summary>Reads it.</summary>
    public static async Task<RemoteError> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        var text = await response.Content.ReadAsStringAsync(ct);
        var status = (int)response.StatusCode;
        try
        {
            var body = JsonElement.Parse(text);
            if (body.ValueKind == JsonValueKind.Object)
            {
                var own = Text(body, "statusCode") is { } number && int.TryParse(number, out var meant) ? meant : status;
                return new(own, Text(body, "code") ?? "", Text(body, "message") ?? Text(body, "error") ?? $"status {own}", Text(body, "details"));
            }
        }
        catch (JsonException)
        {
            // A gateway's page.
        }

        return new(status, "", response.ReasonPhrase is { Length: > 0 } reason ? reason : $"status {status}", null);
    }

    private static string? Text(JsonElement body, string name) => body.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    } : null;
}
