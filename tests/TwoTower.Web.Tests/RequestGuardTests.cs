using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>What anybody may send: refused by name with a problem document, before a body is read and without a 5xx.</summary>
public sealed class RequestGuardTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "an-operators-key-of-a-test", Video = "5f0c1d2e-0000-4000-8000-0000000000a1";

    private TestDatabase _db = null!;
    private ApiHost _api = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:OperatorKey"] = Key });
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _db.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations?regions=%00", null, "regions has a control character (U+0000)")]
    [InlineData("GET", "/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations?regions=US&bannedTags=a%00b&regions=%5B%5D", null, "bannedTags has a control character")]
    [InlineData("GET", "/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations?bannedTags=%7F", null, "bannedTags has a control character (U+007F)")]
    [InlineData("GET", "/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations?a%0Ab=1", null, "The name of a parameter has a control character")]
    [InlineData("GET", "/v1/videos/5f0c1d2e-0000-4000-8000-0000000000a1/similar?regions=a%00b&regions=%01", null, "regions has a control character")]
    [InlineData("GET", "/v1/releases/compare?b=x&a=a%00b", null, "a has a control character")]
    [InlineData("GET", "/v1/releases/two%0Alines", null, "modelVersion has a control character (U+000A)")]
    [InlineData("POST", "/v1/releases/rollback", """{"reason": "a\u0000b"}""", "reason")]
    [InlineData("POST", "/v1/releases/x/retire", """{"ACTOR": "a\u0000b"}""", "control character (U+0000)")]
    [InlineData("POST", "/v1/releases/x/retire", """{"actor": "\ud800"}""", "Unicode")]
    [InlineData("PUT", "/v1/experiments/one", """{"modelVersion": "a\nb", "share": 0.5}""", "modelVersion")]
    public async Task A_control_character_anywhere_is_400_and_named(string method, string path, string? body, string detail) =>
        Assert.Contains(detail, (await SendAsync(method, path, body, 400)).GetProperty("detail").GetString(), StringComparison.OrdinalIgnoreCase);

    [Theory]
    [InlineData("region=JP", "There is no parameter 'region' here: those that there are: bannedTags, excludeVideoIds, includeSeen, limit, maxSafetyLevel, regions.")]
    [InlineData("bannedTag=x", "There is no parameter 'bannedTag' here")]
    [InlineData("regions[]=JP", "There is no parameter 'regions[]' here")]
    public async Task An_unknown_parameter_is_refused_with_those_that_there_are(string query, string detail) => Assert.Contains(
        detail, (await SendAsync("GET", $"/v1/users/{Video}/recommendations?{query}", null, 400)).GetProperty("detail").GetString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"userId": "5f0c1d2e-0000-4000-8000-000000000001", "videoId": "5f0c1d2e-0000-4000-8000-0000000000a1", "decision": "like", "decided_at": "2026-01-01T00:00:00Z"}""", "There is no field 'decided_at' here.")]
    [InlineData("""{"userId": 7, "videoId": "5f0c1d2e-0000-4000-8000-0000000000a1", "decision": "like"}""", "userId isn't a UUID")]
    [InlineData("""{"decision": "like"}""", "The body lacks 'userId'")]
    [InlineData("""{"userId": """, "The body isn't the JSON that is expected")]
    [InlineData("[]", "isn't")]
    [InlineData("null", "body")]
    public async Task A_body_that_is_wrong_is_told_in_the_words_of_the_API(string body, string detail)
    {
        var problem = await SendAsync("POST", "/v1/decisions", body, 400);
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("System.", problem.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("TwoTower.", problem.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json; charset=\"utf-8\"", 404)]
    [InlineData("application/json; charset=UTF8", 404)]
    [InlineData("application/json;charset=utf-8", 404)]
    [InlineData("application/json; charset=xyz", 415)]
    [InlineData("application/json; charset=utf-16", 415)]
    [InlineData("text/plain", 415)]
    [InlineData("?", 415)]
    public async Task A_charset_is_UTF_8_in_any_spelling_or_415(string type, int status) =>
        await SendAsync("POST", "/v1/decisions", $$"""{"userId": "{{Video}}", "videoId": "{{Video}}", "decision": "like"}""", status, type);

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/xml")]
    [InlineData("a/b, c/d;q=x")]
    public async Task An_error_is_a_problem_document_whatever_Accept_says(string accept)
    {
        foreach (var (path, status, type) in new[]
        {
            ("/nowhere", 404, "unknown-path"), ($"/v1/videos/{Video}/similar", 503, "no-usable-release"), ("/v1/videos/x/similar", 400, "unreadable-request"),
            ($"/v1/users/{Video}/recommendations?limit=0", 400, "unusable-request"), ("/v1/releases", 401, "operator-key-needed"), ("/v1/decisions", 405, "method-not-allowed"),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept", accept);
            var problem = await ApiHost.ReadAsync(await _api.Client.SendAsync(request), status);
            Assert.Equal("urn:twotower:problem:" + type, problem.GetProperty("type").GetString());
            Assert.False(string.IsNullOrEmpty(problem.GetProperty("detail").GetString()));
        }
    }

    [Fact]
    public async Task Every_type_of_problem_is_in_the_page_of_the_API()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "api.md"));
        Assert.All(Problems.ProblemKind.Types, type => Assert.Contains($"`{type[Problems.ProblemKind.Prefix.Length..]}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_long_URL_and_large_headers_are_told_so()
    {
        foreach (var length in new[] { 17_000, 40_000, 100_000 })
        {
            var problem = await SendAsync("GET", $"/v1/users/{Video}/recommendations?regions={new string('x', length)}", null, 414);
            Assert.Equal("urn:twotower:problem:url-too-long", problem.GetProperty("type").GetString());
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/users/{Video}/recommendations");
        request.Headers.Add("X-Large", new string('x', 17_000));
        await ApiHost.ReadAsync(await _api.Client.SendAsync(request), 431);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_408_by_its_own_type()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_api.Address.Host, _api.Address.Port);
        client.ReceiveTimeout = 120_000;
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        Assert.StartsWith("HTTP/1.1 408", await reader.ReadLineAsync(), StringComparison.Ordinal);
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
            // Headers.
        }

        Assert.Contains("\"type\":\"urn:twotower:problem:too-slow\"", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    // Kestrel's own, before there is a request; docs/security.md says so.
    [Theory]
    [InlineData("GET /v1/videos/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, "400")]
    [InlineData("GET\r\n\r\n", 0, "400")]
    [InlineData("GET /?x=", 140_000, "414")]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ", 140_000, "431")]
    public async Task What_the_server_refuses_before_there_is_a_request_has_a_status_only(string start, int more, string status)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_api.Address.Host, _api.Address.Port);
        client.ReceiveTimeout = 60_000;
        var stream = client.GetStream();
        var received = new StringBuilder();
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(start + new string('x', more)));
            var buffer = new byte[4096];
            int read;
            while ((read = await stream.ReadAsync(buffer)) > 0) received.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        catch (IOException) when (received.Length > 0)
        {
            // It has closed the connection upon what it didn't read.
        }

        Assert.StartsWith($"HTTP/1.1 {status} ", received.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", received.ToString(), StringComparison.Ordinal);
        await ApiHost.ReadAsync(await _api.Client.GetAsync("/v1/videos/x"), 404); // and goes on
    }

    [Fact]
    public async Task A_body_over_16_KB_is_413_and_a_stranger_to_operators_paths_is_told_so_before_it_is_sent()
    {
        var large = $$"""{"reason": "{{new string('x', 17_000)}}"}""";
        await SendAsync("POST", "/v1/decisions", large, 413);
        await SendAsync("POST", "/v1/releases/rollback", large, 413);
        await SendAsync("POST", "/v1/releases/rollback", "{", 401, key: null);
        await SendAsync("POST", "/v1/releases/rollback", "{", 401, key: "another-key-of-a-test");

        // The answer comes while none of the 29 MB has been sent.
        foreach (var (head, type) in new[] { ("POST /v1/releases/rollback", "application/json"), ("POST /v1/releases", "application/x-tar") })
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _api.Address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {type}\r\nContent-Length: 29000000\r\n\r\n"));
            var buffer = new byte[512];
            var read = await client.GetStream().ReadAsync(buffer);
            Assert.StartsWith("HTTP/1.1 401", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        }

        // Without a length it is found out while it is read.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/releases/rollback") { Content = new StringContent(large, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        request.Headers.TransferEncodingChunked = true;
        await ApiHost.ReadAsync(await _api.Client.SendAsync(request), 413);
    }

    [Fact]
    public async Task What_a_body_leaves_out_has_the_default_that_the_document_names() =>
        await SendAsync("POST", "/v1/releases/prune", """{"dryRun": true}""", 200);

    private async Task<System.Text.Json.JsonElement> SendAsync(
        string method, string path, string? body, int status, string type = "application/json", string? key = Key)
    {
        using var request = new HttpRequestMessage(new(method), path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        return await ApiHost.ReadAsync(await _api.Client.SendAsync(request), status);
    }
}
