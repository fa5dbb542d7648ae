using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace TwoTower.Supabase.Tests.Stores;

/// <summary>
/// Stands before an S3-compatible server that checks no signatures, and does: AWS Signature Version 4 as its specification has it, over
/// what came over the wire, and the SHA-256 of the body. A request whose signature isn't right is answered 403.
/// </summary>
internal sealed class SignatureProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();
    private readonly string _url, _secret;

    private SignatureProxy(string url, string secret)
    {
        (_url, _secret) = (url, secret);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Its address.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>The headers that were signed, of each request with a right signature.</summary>
    public ConcurrentQueue<string> Signed { get; } = new();

    public static async Task<SignatureProxy> StartAsync(string url, string secret)
    {
        var proxy = new SignatureProxy(url, secret);
        await proxy._app.StartAsync();
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (!IsSigned(request, target, body.ToArray()))
        {
            context.Response.StatusCode = 403;
            context.Response.ContentType = "application/xml";
            await context.Response.WriteAsync("<Error><Code>SignatureDoesNotMatch</Code><Message>The signature doesn't match</Message></Error>");
            return;
        }

        using var forwarded = new HttpRequestMessage(new(request.Method), _url + target);
        if (body.Length > 0) forwarded.Content = new ByteArrayContent(body.ToArray());
        foreach (var (name, values) in request.Headers.Where(header => header.Key is not ("Host" or "Content-Length")))
        {
            if (forwarded.Headers.TryAddWithoutValidation(name, values.AsEnumerable())) continue;
            forwarded.Content?.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
        }

        using var answer = await _http.SendAsync(forwarded);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat<KeyValuePair<string, IEnumerable<string>>>(answer.Content.Headers))
        {
            if (name is not ("Transfer-Encoding" or "Connection" or "Keep-Alive")) context.Response.Headers[name] = values.ToArray();
        }

        if (request.Method != "HEAD" && (int)answer.StatusCode is not 204) await answer.Content.CopyToAsync(context.Response.Body);
    }

    private bool IsSigned(HttpRequest request, string target, byte[] body)
    {
        const string Scheme = "AWS4-HMAC-SHA256 ";
        var given = request.Headers.Authorization.ToString();
        if (!given.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        var parts = given[Scheme.Length..].Split(',', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
        var scope = parts["Credential"].Split('/')[1..]; // date, region, service, aws4_request
        var hash = request.Headers["x-amz-content-sha256"].ToString();
        if (hash != Hex(SHA256.HashData(body))) return false;
        var (path, query) = target.Split('?', 2) is [var before, var behind] ? (before, behind) : (target, "");
        var pairs = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .Select(pair => $"{Encode(pair[0])}={Encode(pair.ElementAtOrDefault(1) ?? "")}").Order(StringComparer.Ordinal);
        var names = parts["SignedHeaders"].Split(';');
        var canonical = string.Join('\n',
        [
            request.Method, string.Join('/', path.Split('/').Select(Encode)), string.Join('&', pairs),
            .. names.Select(name => $"{name}:{request.Headers[name].ToString().Trim()}"), "", parts["SignedHeaders"], hash,
        ]);
        var text = $"AWS4-HMAC-SHA256\n{request.Headers["x-amz-date"]}\n{string.Join('/', scope)}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = scope.Aggregate(Encoding.UTF8.GetBytes("AWS4" + _secret), Hmac);
        if (Hex(Hmac(key, text)) != parts["Signature"]) return false;
        Signed.Enqueue(parts["SignedHeaders"]);
        return true;
    }

    // As it came, and as the specification encodes it: once.
    private static string Encode(string sent) => Uri.EscapeDataString(Uri.UnescapeDataString(sent));

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
