using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace TwoTower.Testing;

/// <summary>A request that came in.</summary>
/// <param name="Method">GET, POST, ….</param>
/// <param name="Path">Path and query as they were sent.</param>
/// <param name="Headers">Names in lower case.</param>
/// <param name="Body">As text; empty for Storage.</param>
public sealed record StandInRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>An answer in the place of the real one, such as a gateway's 429.</summary>
/// <param name="Status">Its status; 0 cuts the connection.</param>
/// <param name="RetryAfter">Its header Retry-After, in seconds.</param>
/// <param name="Type">Its content type.</param>
/// <param name="Code">PostgREST's code, which it says in a header, too.</param>
public sealed record StandInFault(int Status, string Body = "", int? RetryAfter = null, string? Type = null, string? Code = null)
{
    /// <summary>What happens in the middle of the body, behind what <see cref="Body"/> has of it.</summary>
    public StandInBreak Break { get; init; }

    /// <summary>An error as PostgREST says it.</summary>
    public static StandInFault Rest(int status, string code, string message) =>
        new(status, $$"""{"code":"{{code}}","details":null,"hint":null,"message":"{{message}}"}""", Type: "application/json; charset=utf-8", Code: code);
}

/// <summary>How an answer ends before its end.</summary>
public enum StandInBreak
{
    /// <summary>It doesn't.</summary>
    None,

    /// <summary>The connection is cut in the body.</summary>
    Cut,

    /// <summary>Nothing comes any more, until whoever asked gives up.</summary>
    Silent,
}

/// <summary>
/// A Supabase project over real HTTP: PostgREST (<c>/rest/v1</c>) on a project's real database, and Storage (<c>/storage/v1</c>) in memory.
/// Status, headers and bodies are those of the recorded exchanges of tests/supabase; a test replays them all.
/// </summary>
public sealed class SupabaseStandIn : IAsyncDisposable
{
    /// <summary>A new secret key: it goes into apikey, and is refused as a token.</summary>
    public const string SecretKey = "sb_secret_0123456789abcdefghijkl";

    /// <summary>A new publishable key.</summary>
    public const string PublishableKey = "sb_publishable_0123456789abcdefghij";

    private readonly WebApplication _app;
    private readonly NpgsqlDataSource _authenticator;
    private readonly RestApi _rest;
    private readonly ConcurrentQueue<StandInRequest> _requests = new();

    /// <param name="db">The project's database, of <see cref="SupabaseServer"/>.</param>
    /// <param name="port">Where it listens; 0: anywhere.</param>
    public SupabaseStandIn(TestDatabase db, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, port);
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.AddServerHeader = false;
        });
        _app = builder.Build();

        // The role that PostgREST logs in as; it becomes the one of the token.
        _authenticator = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = "authenticator", Timezone = "UTC", MaxPoolSize = 20 }.ConnectionString);
        _rest = new(_authenticator);
        Storage = new();
        _app.Run(AnswerAsync);
        _app.StartAsync().GetAwaiter().GetResult();
        Url = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    /// <summary>Its address, SUPABASE_URL.</summary>
    public string Url { get; }

    /// <summary>Calls of functions so far, by name.</summary>
    public Dictionary<string, int> Calls => _rest.Calls;

    /// <summary>What <c>/auth/v1/.well-known/jwks.json</c> answers: the public keys that tokens are verified with.</summary>
    public (int Status, string Body) Keys { get; set; } = (200, """{"keys": []}""");

    /// <summary>PostgREST's db-max-rows.</summary>
    public int MaxRows
    {
        get => _rest.MaxRows;
        set => _rest.MaxRows = value;
    }

    /// <summary>Whether PostgREST says an error's code in the header Proxy-Status, too, as it does since April 2025.</summary>
    public bool SaysProxyStatus
    {
        get => _rest.SaysProxyStatus;
        set => _rest.SaysProxyStatus = value;
    }

    /// <summary>Buckets and files.</summary>
    public StorageApi Storage { get; }

    /// <summary>Every request so far, in the order in which they came.</summary>
    public IReadOnlyList<StandInRequest> Requests => [.. _requests];

    /// <summary>Asked before each request, with its method and path; gives the answer of a gateway that is in the way.</summary>
    public Func<StandInRequest, Task<StandInFault?>>? Intercept { get; set; }

    /// <summary>A project's legacy key: a token of a role.</summary>
    public static string LegacyKey(string role) => SupabaseTokens.Make(role);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _authenticator.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "/";
        var body = path.StartsWith("/storage/", StringComparison.Ordinal) ? "" : await new StreamReader(request.Body, Encoding.UTF8).ReadToEndAsync();
        var seen = new StandInRequest(
            request.Method, path + request.QueryString,
                request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()), body);
        _requests.Enqueue(seen);
        if (Intercept is { } intercept && await intercept(seen) is { } fault)
        {
            await FaultAsync(context, fault);
            return;
        }

        context.Response.Headers.AccessControlAllowOrigin = "*";
        if (request.Method == HttpMethods.Options)
        {
            context.Response.Headers.AccessControlAllowMethods = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD";
            context.Response.Headers.AccessControlAllowHeaders = request.Headers.AccessControlRequestHeaders;
            return;
        }

        if (path == "/auth/v1/.well-known/jwks.json")
        {
            (context.Response.StatusCode, context.Response.ContentType) = (Keys.Status, "application/json");
            await context.Response.WriteAsync(Keys.Body);
        }
        else if (path.StartsWith("/storage/v1/", StringComparison.Ordinal)) await Storage.AnswerAsync(context, path["/storage/v1".Length..]);
        else await _rest.AnswerAsync(context, path.StartsWith("/rest/v1/", StringComparison.Ordinal) ? path["/rest/v1".Length..] : path, body);
    }

    private async Task FaultAsync(HttpContext context, StandInFault fault)
    {
        if (fault.Status == 0)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = fault.Status;
        if (fault.Code is not null && SaysProxyStatus) context.Response.Headers["Proxy-Status"] = $"PostgREST; error={fault.Code}";
        if (fault.Type is not null) context.Response.ContentType = fault.Type;
        if (fault.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = $"{seconds}";
        if (fault.Break != StandInBreak.None) context.Response.ContentLength = Encoding.UTF8.GetByteCount(fault.Body) + 1000;
        await context.Response.WriteAsync(fault.Body);
        if (fault.Break == StandInBreak.None) return;
        await context.Response.Body.FlushAsync();

        // An answer that ends before its Content-Length is cut by the server: what was sent arrives.
        if (fault.Break == StandInBreak.Cut) return;
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    }
}
