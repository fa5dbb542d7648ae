using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using TwoTower.Core;

namespace TwoTower.Supabase.Http;

/// <summary>Requests to a project, with its key and with retries. The key is in headers alone: no address and no message has it.</summary>
internal sealed class SupabaseClient : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="time">For pauses.</param>
    /// <param name="retrying">Told that a request is sent again.</param>
    /// <param name="delay">The first pause; null: half a second.</param>
    /// <param name="patience">How long it waits for an answer; null: <see cref="Http.Patience.Usual"/>.</param>
    public SupabaseClient(
        ProjectAccess project, TimeProvider time, Action<string>? retrying = null, TimeSpan? delay = null, Patience? patience = null)
    {
        var first = delay ?? TimeSpan.FromSeconds(0.5);
        (Project, Patience, Reading) = (project, patience ?? Patience.Usual, RetryRules.Reading(time, first));
        var pipeline = RetryRules.Pipeline(
            time, first, Patience.Answer, (why, pause) => retrying?.Invoke($"{project.Name}: {why}; again in {pause.TotalSeconds:0.0} s"));
        // No redirect: a key goes to the server that it is for.
        _http = new(new ResilienceHandler(pipeline)
        {
            InnerHandler = new WholeAnswers(Patience.Silence)
            {
                InnerHandler = new SocketsHttpHandler
                {
                    ConnectTimeout = Patience.Connect,
                    AllowAutoRedirect = false,
                    AutomaticDecompression = DecompressionMethods.All
                },
            },
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Whose.</summary>
    public ProjectAccess Project { get; }

    /// <summary>How long it waits.</summary>
    public Patience Patience { get; }

    /// <summary>Tries again what breaks while a body is read.</summary>
    public ResiliencePipeline Reading { get; }

    /// <summary>Asks for a body that may be large and is read while it comes; an error is there as a whole. The caller disposes
    /// it.</summary>
    /// <param name="path">Path and query below the address.</param>
    public Task<HttpResponseMessage> StreamAsync(string path, CancellationToken ct) =>
        SendAsync(HttpMethod.Get, path, null, null, isStreamed: true, ct);

    /// <summary>Sends a request; the answer is there as a whole, and may be an error. The caller disposes it.</summary>
    /// <param name="path">Path and query below the address, such as <c>/rest/v1/videos?select=id</c>.</param>
    /// <param name="headers">More headers.</param>
    /// <param name="content">The body; it must be one that can be sent again.</param>
    /// <exception cref="InputException">Nothing answers at the address.</exception>
    /// <exception cref="RemoteException">The connection broke again and again.</exception>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, IEnumerable<(string Name, string Value)>? headers, HttpContent? content, CancellationToken ct) =>
        SendAsync(method, path, headers, content, isStreamed: false, ct);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, IEnumerable<(string Name, string Value)>? headers, HttpContent? content, bool isStreamed,
            CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, Project.Url.AbsoluteUri.TrimEnd('/') + path) { Content = content };
        request.Options.Set(WholeAnswers.IsStreamed, isStreamed);
        Project.Key.AddTo(request);
        foreach (var (name, value) in headers ?? []) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (HttpRequestException error) when (
            error.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError)
        {
            throw new InputException($"The project at {Project.Name} doesn't answer ({error.Message}): correct SUPABASE_URL, or try again when it does.", error);
        }
        catch (OperationCanceledException error) when (error.InnerException is TimeoutException && !ct.IsCancellationRequested)
        {
            throw new InputException($"The project at {Project.Name} doesn't answer within {Patience.Connect.TotalSeconds:0.#} s: correct SUPABASE_URL, or try again when it does.", error);
        }
        catch (Exception error) when (RetryRules.IsBroken(error, ct))
        {
            throw new RemoteException($"{Project.Name} broke off ({error.Message}); the same command goes on where it was.", error);
        }
    }

    /// <summary>What an error means for a person: who is to do what.</summary>
    /// <param name="what">What was asked for, such as "table videos".</param>
    public Exception Explain(RemoteError error, string what) => error switch
    {
        { Code: "PGRST301" or "PGRST303" } or { Status: 401, Code: "" } => new InputException(
            $"{Project.Name} doesn't take the {Project.Key} ({error.Message}): copy the key from the project's settings again."),
        { Code: "42501" } or { Status: 401 or 403 } => new InputException(
            $"{Project.Name} refuses {what} ({error.Message}): run 'twotower db migrate' on its database, or grant the rights to service_role (docs/supabase.md)."),
        { Code: "PGRST205" or "42P01" } => new InputException($"{Project.Name} has no {what} in the schema that it exposes ({error.Message})."),
        { Code: RemoteError.TooSlow } => new RemoteException(
            $"{Project.Name} stops {what}, which takes longer than its statement_timeout allows (code {error.Code}): "
            + "raise it (alter role service_role set statement_timeout = '2min'; notify pgrst, 'reload config'), then run the same command again."),
        { Status: 429 or >= 500 } => new RemoteException(
            $"{Project.Name} answers {error.Status} to {what} again and again ({Named(error)}); the same command goes on where it was."),
        _ => new InputException($"{Project.Name} refuses {what}: {Named(error)}."),
    };

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string Named(RemoteError error) =>
        $"{error.Message.TrimEnd('.')}{(error.Code.Length > 0 ? $", code {error.Code}" : "")}{(error.Details is { } details ? $", {details.TrimEnd('.')}" : "")}";

    /// <summary>Sends a request that must succeed and reads its JSON.</summary>
    public async Task<JsonElement> JsonAsync(
        HttpMethod method, string path, string what, IEnumerable<(string Name, string Value)>? headers, HttpContent? content,
            CancellationToken ct)
    {
        using var response = await SendAsync(method, path, headers, content, ct);
        if (!response.IsSuccessStatusCode) throw Explain(await RemoteError.ReadAsync(response, ct), what);
        return await ReadJsonAsync(response, ct);
    }

    /// <summary>The JSON of an answer.</summary>
    public async Task<JsonElement> ReadJsonAsync(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(ct);
            using var document = await JsonDocument.ParseAsync(stream, default, ct);
            return document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw new InputException($"{Project.Name} doesn't answer as a Supabase project does (no JSON: {error.Message}): correct SUPABASE_URL.", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new RemoteException($"{Project.Name} broke off in the middle of an answer ({error.Message}); the same command goes on where it was.", error);
        }
    }
}
