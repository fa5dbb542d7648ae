using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace TwoTower.Fuzz;

/// <summary>How much, and how it is judged.</summary>
internal sealed record FuzzOptions
{
    /// <summary>Requests.</summary>
    public int Requests { get; init; } = 20_000;

    /// <summary>The number of the first: with one request, only that one.</summary>
    public int First { get; init; }

    /// <summary>Clients at once.</summary>
    public int Clients { get; init; } = 8;

    /// <summary>Another seed is another run.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>An answer that takes longer is a finding; null: none is.</summary>
    public TimeSpan? Slow { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A request that isn't answered by then is given up, and a finding.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A request whose answer isn't as it should be.</summary>
internal sealed record Finding(int Number, string Request, string Fault);

/// <summary>What came of a run.</summary>
internal sealed record FuzzReport(int Requests, IReadOnlyDictionary<int, int> Statuses, double SlowestSeconds,
    IReadOnlyList<Finding> Findings);

/// <summary>
/// Requests made from the document of a running API: what fits it, what nearly does and what doesn't. Every answer is as the document says,
/// or a problem document; none is a 5xx but a 503 with Retry-After.
/// </summary>
internal sealed class FuzzRun(Uri address, string? operatorKey, FuzzOptions options) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        UseCookies = false
    })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromMinutes(2),
    };

    // Names of types and of stack traces; no request has them.
    private static readonly string[] Inside = ["System.", "Microsoft.", "TwoTower.", "Npgsql", "Exception", "   at ", "`1"];

    private Contract? _contract;

    /// <summary>Told how many requests are answered.</summary>
    public Func<int, Task> OnAnswered { get; init; } = _ => Task.CompletedTask;

    public async Task<FuzzReport> RunAsync(CancellationToken ct)
    {
        _contract = Contract.Parse(await GetAsync("/openapi/v1.json", ct));
        var maker = new RequestMaker(_contract, await LookAroundAsync(ct), operatorKey, options.Seed);
        var (findings, statuses, slowest, done) = (new List<Finding>(), new Dictionary<int, int>(), 0.0, 0);
        await Parallel.ForEachAsync(
            Enumerable.Range(options.First, options.Requests), new ParallelOptions
            {
                MaxDegreeOfParallelism = options.Clients,
                CancellationToken = ct
            }, async (number, token) =>
            {
                var request = maker.Make(number);
                var (status, seconds, fault) = await AskAsync(request, token);
                int answered;
                lock (findings)
                {
                    statuses[status] = statuses.GetValueOrDefault(status) + 1;
                    slowest = Math.Max(slowest, seconds);
                    if (fault is not null) findings.Add(new(number, request.Show(), fault));
                    answered = ++done;
                }

                await OnAnswered(answered);
            });
        return new(options.Requests, statuses.OrderBy(entry => entry.Key).ToDictionary(), slowest,
            [.. findings.OrderBy(finding => finding.Number)]);
    }

    public void Dispose() => _client.Dispose();

    private async Task<(int Status, double Seconds, string? Fault)> AskAsync(Request request, CancellationToken ct)
    {
        var target = new Uri($"{address.GetLeftPart(UriPartial.Authority)}{request.Target}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var message = new HttpRequestMessage(new(request.Method), target);
        if (request.Body is not null) message.Content = new ByteArrayContent(request.Body);
        if (request.ContentType is not null) message.Content!.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        foreach (var (name, value) in request.Headers) message.Headers.TryAddWithoutValidation(name, value);
        var started = Stopwatch.GetTimestamp();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(options.Patience);
        try
        {
            using var answer = await _client.SendAsync(message, patience.Token);
            var body = await answer.Content.ReadAsByteArrayAsync(patience.Token);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var fault = Judge(request, answer, body);
            if (fault is null && seconds > options.Slow?.TotalSeconds && !TakesLong(request.Operation)) fault = $"took {seconds:0.0} s";
            return ((int)answer.StatusCode, seconds, fault);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (0, Stopwatch.GetElapsedTime(started).TotalSeconds, $"no answer within {options.Patience.TotalSeconds:0.##} s");
        }
        catch (HttpRequestException e)
        {
            return (0, Stopwatch.GetElapsedTime(started).TotalSeconds, $"no answer: {e.Message} {e.InnerException?.Message}");
        }
    }

    // The document says that these take seconds to minutes.
    private static bool TakesLong(Operation? operation) => operation?.Id is "verifyRelease" or "importRelease";

    private string? Judge(Request request, HttpResponseMessage answer, byte[] body)
    {
        var (status, type) = ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType);
        if (status >= 500 && (status != 503 || answer.Headers.RetryAfter is null))
        {
            return $"{status}: {System.Text.Encoding.UTF8.GetString(body)}";
        }
        if (!answer.Headers.TryGetValues("X-Content-Type-Options", out _)
            || answer.Headers.CacheControl is not { NoStore: true, Private: true })
        {
            return "it has no nosniff or no Cache-Control: private, no-store";
        }

        if (status >= 400 && Inside.FirstOrDefault(name => System.Text.Encoding.UTF8.GetString(body)
            .Contains(name, StringComparison.Ordinal)) is { } inside)
        {
            return $"it tells of the inside: '{inside}'";
        }

        if (request.Method is "HEAD" or "OPTIONS")
        {
            return body.Length == 0 || status >= 400 ? null : $"a {request.Method} was answered with a body";
        }
        if (request.Operation is { } operation) return operation.Explain(status, type, body);
        if (status < 400) return null;
        var problem = _contract!.Operations[0].Answers[400].GetProperty("content").GetProperty("application/problem+json")
            .GetProperty("schema");
        try
        {
            using var json = JsonDocument.Parse(body);
            return type != "application/problem+json" ? $"a {status} of type '{type}'"
                : _contract.Explain(problem, json.RootElement) is { } fault ? $"not a problem document: {fault}"
                : json.RootElement.GetProperty("status").GetInt32() != status ? "its status isn't the answer's" : null;
        }
        catch (JsonException e)
        {
            return $"a {status} that isn't JSON: {e.Message}";
        }
    }

    // Ids from the API itself: videos that a stranger gets, and the releases.
    private async Task<Known> LookAroundAsync(CancellationToken ct)
    {
        var users = Enumerable.Range(1, 20).Select(number => new Guid(options.Seed, (short)number, 0, new byte[8]).ToString()).ToList();
        var list = await GetAsync($"/v1/users/{users[0]}/recommendations?limit=100&maxSafetyLevel=32767", ct);
        var versions = operatorKey is null ? [] : (await GetAsync("/v1/releases", ct)).GetProperty("releases").EnumerateArray()
            .Select(release => release.GetProperty("modelVersion").GetString()!).ToList();
        return new(users, [.. list.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetString()!)],
            versions);
    }

    // What is told to come again comes again: a process that has just started may be slow.
    private async Task<JsonElement> GetAsync(string path, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
            if (operatorKey is not null) message.Headers.Authorization = new("Bearer", operatorKey);
            using var answer = await _client.SendAsync(message, ct);
            var text = await answer.Content.ReadAsStringAsync(ct);
            if (answer.IsSuccessStatusCode) return JsonElement.Parse(text);
            if (answer.Headers.RetryAfter?.Delta is not { } wait || Stopwatch.GetElapsedTime(started) + wait > options.Patience)
            {
                throw new Core.InputException(
                    $"GET {new Uri(address, path)} answered {(int)answer.StatusCode}: is an API of TwoTower there, with its document? It said: {text}");
            }

            await Task.Delay(wait, ct);
        }
    }
}
