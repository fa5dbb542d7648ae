using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using TwoTower.Testing;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Tests;

/// <summary>Methods, headers, other sites' pages, compression, and what settings switch off.</summary>
public sealed partial class HttpSurfaceTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Key = "an-operators-key-of-a-test", Site = "https://app.example";
    private static readonly string List = $"/v1/users/{ApiWorld.Viewer}/recommendations";

    private static async Task<HttpResponseMessage> SendAsync(ApiHost api, string method, string path,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new(method), new Uri(api.Address, path));
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await api.Client.SendAsync(request);
    }

    [Fact]
    public async Task A_HEAD_is_answered_as_its_GET_without_a_body()
    {
        foreach (var path in new[]
        {
            List, $"/v1/videos/{Golden.ItemPayloads[3].VideoId}/similar", "/health/live", "/health/ready", "/openapi/v1.json", "/",
                "/docs/",
            "/nowhere", $"{List}?limit=0", "/v1/videos/x/similar",
        })
        {
            var (get, head) = (await SendAsync(world.Api, "GET", path), await SendAsync(world.Api, "HEAD", path));
            Assert.Equal((path, get.StatusCode), (path, head.StatusCode));
            Assert.Equal(get.Content.Headers.ContentType?.ToString(), head.Content.Headers.ContentType?.ToString());
            Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        }

        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await SendAsync(world.Api, "HEAD", "/v1/decisions")).StatusCode);
    }

    [Theory]
    [InlineData("/v1/decisions", "OPTIONS, POST")]
    [InlineData("/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations", "GET, HEAD, OPTIONS, POST")]
    [InlineData("/v1/releases/x/pin", "DELETE, OPTIONS, PUT")]
    public async Task OPTIONS_says_what_is_possible_and_another_method_is_405_that_says_the_same(string path, string allowed)
    {
        await using var api = await ApiHost.StartAsync(world.Database, new() { ["TwoTower:Api:OperatorKey"] = Key });
        var options = await SendAsync(api, "OPTIONS", path);
        Assert.Equal((HttpStatusCode.NoContent, allowed), (options.StatusCode, string.Join(", ", options.Content.Headers.Allow)));
        foreach (var method in new[] { "PATCH", "TRACE", "NONE" })
        {
            var refused = await SendAsync(api, method, path);
            Assert.Equal(allowed, string.Join(", ", refused.Content.Headers.Allow));
            await ApiHost.ReadAsync(refused, 405);
        }

        await ApiHost.ReadAsync(await SendAsync(api, "OPTIONS", "/nowhere"), 404);
        Assert.StartsWith("HTTP/1.1 204", await RawAsync(api, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_answer_says_that_it_is_private_and_of_the_type_that_it_says_errors_too()
    {
        foreach (var (method, path, status) in new[]
        {
            ("GET", List, 200), ("HEAD", List, 200), ("OPTIONS", List, 204), ("GET", "/health/live", 200), ("GET", "/health/ready", 200),
            ("GET", "/openapi/v1.json", 200),
            ("GET", "/", 302), ("GET", "/nowhere", 404), ("GET", $"{List}?limit=0", 400), ("GET", $"{List}?limit=x", 400),
            ("PATCH", List, 405),
            ("GET", $"{List}?regions={new string('x', 17_000)}", 414), ("GET", "/v1/users/x%0Ay/recommendations", 400),
            ("POST", "/v1/decisions", 400),
        })
        {
            var answer = await SendAsync(world.Api, method, path);
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
            Assert.Equal((path, "no-store, private"), (path, answer.Headers.CacheControl?.ToString()));
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("default-src 'none'; frame-ancestors 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task The_page_runs_its_own_scripts_only_and_each_time_with_another_nonce()
    {
        var policies = new List<string>();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var page = await SendAsync(world.Api, "GET", "/docs/");
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
            var nonce = Nonce().Match(policy).Groups[1].Value;
            Assert.True(nonce.Length >= 16);
            var scripts = Script().Matches(await page.Content.ReadAsStringAsync()).Select(match => match.Value).ToList();
            Assert.NotEmpty(scripts);
            Assert.All(scripts, script => Assert.Contains($"nonce=\"{WebUtility.HtmlEncode(nonce)}\"", script, StringComparison.Ordinal));
            foreach (var directive in new[] { "default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'" })
            {
                Assert.Contains(directive, policy, StringComparison.Ordinal);
            }

            policies.Add(policy);
        }

        Assert.NotEqual(policies[0], policies[1]);
    }

    [Fact]
    public async Task The_page_and_the_document_are_there_unless_settings_say_otherwise()
    {
        await using (var api = await ApiHost.StartAsync(world.Database, new() { ["TwoTower:Api:Docs"] = "false" }))
        {
            await api.GetAsync("/openapi/v1.json");
            foreach (var path in new[] { "/docs", "/docs/", "/", "/docs/scalar.js" }) await api.GetAsync(path, 404);
            Assert.DoesNotContain("/docs", (await api.GetAsync("/nowhere", 404)).GetProperty("detail").GetString(),
                StringComparison.Ordinal);
        }

        await using (var api = await ApiHost.StartAsync(world.Database, new() { ["TwoTower:Api:OpenApi"] = "false" }))
        {
            foreach (var path in new[] { "/docs", "/", "/openapi/v1.json" }) await api.GetAsync(path, 404);
            Assert.Equal("There is nothing at this path.", (await api.GetAsync("/nowhere", 404)).GetProperty("detail").GetString());
            Assert.NotEmpty(ApiWorld.Ids(await api.GetAsync(List)));
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Answers_are_compressed_for_whoever_takes_it(string encoding)
    {
        foreach (var path in new[] { $"{List}?limit=100", "/openapi/v1.json", "/nowhere" })
        {
            var (plain, packed) = (await SendAsync(world.Api, "GET", path),
                await SendAsync(world.Api, "GET", path, ("Accept-Encoding", encoding)));
            Assert.Empty(plain.Content.Headers.ContentEncoding);
            Assert.Equal(encoding, Assert.Single(packed.Content.Headers.ContentEncoding));
            Assert.Contains("Accept-Encoding", packed.Headers.Vary);
            await using var body = await packed.Content.ReadAsStreamAsync();
            await using Stream unpacked = encoding == "br"
                ? new System.IO.Compression.BrotliStream(body, System.IO.Compression.CompressionMode.Decompress)
                : new System.IO.Compression.GZipStream(body, System.IO.Compression.CompressionMode.Decompress);
            using var text = new StreamReader(unpacked);
            Assert.StartsWith((await plain.Content.ReadAsStringAsync())[..20], await text.ReadToEndAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Pages_of_other_sites_get_nothing_unless_the_setting_names_them()
    {
        (string, string)[] preflight = [("Origin", Site), ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type")];
        var silent = await SendAsync(world.Api, "OPTIONS", "/v1/decisions", preflight);
        Assert.False(silent.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.False((await SendAsync(world.Api, "GET", List, ("Origin", Site))).Headers.Contains("Access-Control-Allow-Origin"));

        await using var api = await ApiHost.StartAsync(world.Database, new()
        {
            ["TwoTower:Api:CorsOrigins"] = $"{Site};https://other.example:8443",
            ["TwoTower:Api:OperatorKey"] = Key,
        });
        var allowed = await SendAsync(api, "OPTIONS", "/v1/decisions", preflight);
        Assert.Equal(HttpStatusCode.NoContent, allowed.StatusCode);
        Assert.Equal(Site, Assert.Single(allowed.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Contains("POST", Assert.Single(allowed.Headers.GetValues("Access-Control-Allow-Methods")), StringComparison.Ordinal);
        foreach (var (path, status) in new[] { (List, 200), ($"{List}?limit=0", 400), ($"{List}?limit=x", 400) })
        {
            var answer = await SendAsync(api, "GET", path, ("Origin", "https://other.example:8443"));
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal("https://other.example:8443", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Origin")));
            Assert.False(answer.Headers.Contains("Access-Control-Allow-Credentials"));
        }

        Assert.False((await SendAsync(api, "GET", List, ("Origin",
            "https://evil.example"))).Headers.Contains("Access-Control-Allow-Origin"));
        Assert.False((await SendAsync(api, "GET", "/v1/releases", ("Origin", Site),
            ("Authorization", $"Bearer {Key}"))).Headers.Contains("Access-Control-Allow-Origin"));

        await using var open = await ApiHost.StartAsync(world.Database, new() { ["TwoTower:Api:CorsOrigins"] = "*" });
        Assert.Equal("*",
            Assert.Single((await SendAsync(open, "GET", List, ("Origin",
            "https://evil.example"))).Headers.GetValues("Access-Control-Allow-Origin")));
    }

    [Theory]
    [InlineData("app.example")]
    [InlineData("https://app.example/")]
    [InlineData("https://a.example, https://b.example")]
    [InlineData("https://a.example;*")]
    public async Task Origins_that_no_browser_sends_end_the_start(string origins)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            ApiHost.StartAsync(world.Database, new() { ["TwoTower:Api:CorsOrigins"] = origins }));
        Assert.Contains("CorsOrigins", Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("LOCALHOST:1234", 200)]
    [InlineData("localhost.", 200)]
    [InlineData("demo.localhost", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("127.3.2.1", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("evil.example", 400)]
    [InlineData("localhost.evil.example", 400)]
    [InlineData("127.0.0.1.evil.example", 400)]
    [InlineData("10.0.0.1", 400)]
    [InlineData("0.0.0.0", 400)]
    public async Task A_port_that_is_open_on_loopback_only_takes_loopback_names_only(string host, int status)
    {
        foreach (var path in new[] { "/health/live", List, "/docs/" })
        {
            var answer = await SendAsync(world.Api, "GET", path, ("Host", host));
            if (status == 200) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            else Assert.Equal("urn:twotower:problem:host-not-served", (await ApiHost.ReadAsync(answer, status)).GetProperty("type")
                .GetString());
        }
    }

    [Fact]
    public async Task Allowed_hosts_are_the_ones_that_are_answered_and_a_port_that_is_open_to_others_takes_any()
    {
        await using (var api = await ApiHost.StartAsync(world.Database, new() { ["AllowedHosts"] = "api.example; *.example.org" }))
        {
            foreach (var (host, status) in new[]
            {
                ("api.example", 200), ("API.example:8080", 200), ("a.example.org", 200), ("example.org", 400), ("localhost", 400),
                ("evil.example", 400),
            })
            {
                Assert.Equal((host, status), (host, (int)(await SendAsync(api, "GET", "/health/live", ("Host", host))).StatusCode));
            }
        }

        await using (var api = await ApiHost.StartAsync(world.Database, new() { ["AllowedHosts"] = "*" }))
        {
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(api, "GET", "/health/live", ("Host", "evil.example"))).StatusCode);
        }

        Assert.Equal(
            [5081, 5082, 5083],
            HostFilter.LoopbackPorts([
                "http://0.0.0.0:5080", "http://127.0.0.1:5081", "http://localhost:5082", "http://[::1]:5083", "http://*:5084",
                "http://127.0.0.1:5085", "http://10.1.2.3:5085",
                "http://api.example:5086", "http://unix:/run/api.sock",
            ]).Order());
    }

    [Fact]
    public async Task Metrics_are_scraped_where_the_setting_says_so()
    {
        await world.Api.GetAsync("/metrics", 404);
        await using var api = await ApiHost.StartAsync(world.Database, new() { ["TwoTower:Telemetry:Prometheus"] = "true" });
        await api.GetAsync(List);
        var metrics = await api.Client.GetAsync("/metrics");
        Assert.Equal("text/plain", metrics.Content.Headers.ContentType?.MediaType);
        var text = await metrics.Content.ReadAsStringAsync();
        Assert.Matches(new Regex("""^twotower_serving_requests_total\{.*strategy="two_tower".*\} \d""", RegexOptions.Multiline), text);
        Assert.Matches(new Regex("""^http_server_request_duration_seconds_count\{""", RegexOptions.Multiline), text);
        Assert.DoesNotContain(ApiWorld.Viewer.ToString(), text, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> RawAsync(ApiHost api, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Address.Host, api.Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadToEndAsync();
    }

    [GeneratedRegex("'nonce-([^']+)'")]
    private static partial Regex Nonce();

    [GeneratedRegex("<script[^>]*>")]
    private static partial Regex Script();
}
