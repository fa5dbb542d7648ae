using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.Retry;

namespace TwoTower.Supabase.Http;

/// <summary>Which answers another try can mend, and how long to wait before it.</summary>
internal static partial class RetryRules
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
        TimeProvider time, TimeSpan delay, TimeSpan answer, Action<string, TimeSpan>? retrying)
    {
        var options = Waits<HttpResponseMessage, HttpRetryStrategyOptions>(new(), delay);
        options.ShouldHandle = async args => args.Outcome switch
        {
            { Exception: { } error } => IsBroken(error, args.Context.CancellationToken),
            { Result: { } response } => await IsPassingAsync(response, args.Context.CancellationToken),
            _ => false,
        };
        options.OnRetry = args =>
        {
            var why = args.Outcome.Result is { } response ? $"answers {(int)response.StatusCode}" : args.Outcome.Exception?.Message ?? "doesn't answer";
            retrying?.Invoke(why, args.RetryDelay);
            return default;
        };
        return new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }.AddRetry(options).AddTimeout(answer).Build();
    }

    /// <summary>As <see cref="Pipeline"/>, for a body that is read after its headers came.</summary>
    public static ResiliencePipeline Reading(TimeProvider time, TimeSpan delay)
    {
        var options = Waits<object, RetryStrategyOptions>(new(), delay);
        options.ShouldHandle = args => new(args.Outcome.Exception is { } error && IsBroken(error, args.Context.CancellationToken));
        return new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(options).Build();
    }

    private static TOptions Waits<TResult, TOptions>(TOptions options, TimeSpan delay) where TOptions : RetryStrategyOptions<TResult>
    {
        (options.MaxRetryAttempts, options.Delay, options.MaxDelay) = (Most, delay, TimeSpan.FromSeconds(30));
        (options.BackoffType, options.UseJitter) = (DelayBackoffType.Exponential, true);
        return options;
    }

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
            return await CodeOfAsync(response, ct) is not { } code
                || Passing.Any(passing => code.StartsWith(passing, StringComparison.Ordinal));
        }

        // Storage says 400 and means what its body says.
        if (status != 400 || response.Content.Headers.ContentType?.MediaType != "application/json") return false;
        await response.Content.LoadIntoBufferAsync(ct);
        return await RemoteError.ReadAsync(response, ct) is { Status: 429 or 408 or >= 500 };
    }

    // PostgREST says its code in a header from April 2025 on, and in the body always. Other codes are a gateway's, or Storage's.
    private static async Task<string?> CodeOfAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.Headers.TryGetValues("Proxy-Status", out var values) && values.FirstOrDefault() is { } value
            && value.IndexOf("error=", StringComparison.Ordinal) is >= 0 and var at)
        {
            return value[(at + "error=".Length)..].Split([';', ' '])[0];
        }

        if (response.Content.Headers.ContentType?.MediaType != "application/json") return null;
        await response.Content.LoadIntoBufferAsync(ct);
        return await RemoteError.ReadAsync(response, ct) is { Code: var code } && DatabaseCode().IsMatch(code) ? code : null;
    }

    // A SQLSTATE has a digit; a word of five letters is none.
    [GeneratedRegex(@"\A(?:PGRST[0-9A-Z]{3}|(?=[A-Z]*[0-9])[0-9A-Z]{5})\z")]
    private static partial Regex DatabaseCode();
}
