using System.Net;
using System.Net.Sockets;
using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Http;

/// <summary>What is sent again, and what isn't: real answers over real HTTP.</summary>
public sealed class RetryTests(SupabaseServer server) : IAsyncLifetime
{
    private TestProject _project = null!;

    private SupabaseStandIn StandIn => _project.StandIn;

    public async ValueTask InitializeAsync() => _project = await TestProject.OpenAsync(
        server, "create table videos (id int primary key); grant all on videos to service_role; insert into videos values (1)");

    public async ValueTask DisposeAsync()
    {
        if (_project is not null) await _project.DisposeAsync();
    }

    public static TheoryData<int, string> Passing => new()
    {
        { 429, "slow down" }, { 408, "" }, { 500, "<html>gateway</html>" }, { 502, "" }, { 503, "" }, { 504, "" }, { 522, "" }, { 0, "" },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task A_fault_that_passes_is_tried_again(int status, string body)
    {
        Fail(3, new(status, body));
        Assert.Equal(1, (await ReadAsync()).GetArrayLength());
        Assert.Equal(4, StandIn.Requests.Count);
    }

    [Theory]
    [InlineData(StandInBreak.Cut)]
    [InlineData(StandInBreak.Silent)]
    public async Task An_answer_that_breaks_off_in_its_body_is_asked_for_again(StandInBreak how)
    {
        var fault = new StandInFault(200, """[{"id": """, Type: "application/json") { Break = how };

        // A busy machine may be silent for longer than the short patience: then it is asked once more.
        var isSilent = how == StandInBreak.Silent;
        var client = isSilent ? _project.Connect(Patience.Usual with { Silence = TimeSpan.FromSeconds(0.5) }) : _project.Client;
        Fail(3, fault, fault.Type);
        Assert.Equal(1, (await AskAsync()).GetArrayLength());
        Assert.InRange(StandIn.Requests.Count, 4, isSilent ? 1 + RetryRules.Most : 4);
        Fail(int.MaxValue, fault, fault.Type);
        await Assert.ThrowsAsync<RemoteException>(AskAsync);

        // An error that breaks off says nothing of what it is.
        Fail(1, fault with { Status = 400 }, fault.Type);
        Assert.Equal(1, (await AskAsync()).GetArrayLength());

        Task<System.Text.Json.JsonElement> AskAsync() => client.JsonAsync(HttpMethod.Get, "/rest/v1/videos?select=id", "table videos", null, null, default);
    }

    [Fact]
    public async Task A_server_that_takes_no_connection_is_tried_again_and_then_named()
    {
        // It listens and its queue is full: a connection to it neither comes about nor fails.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(1);
        var port = ((IPEndPoint)full.LocalEndPoint!).Port;
        var waiting = new List<Socket>();
        try
        {
            for (var i = 0; i < 8; i++)
            {
                var one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                waiting.Add(one);
                try
                {
                    one.Connect(IPAddress.Loopback, port);
                }
                catch (SocketException)
                {
                    // It is under way.
                }
            }

            var tries = 0;
            using var client = new SupabaseClient(
                new(new($"http://127.0.0.1:{port}"), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, _ => tries++,
                TimeSpan.FromMilliseconds(1), Patience.Usual with { Connect = TimeSpan.FromSeconds(0.2) });
            var error = await Assert.ThrowsAsync<InputException>(() => client.JsonAsync(HttpMethod.Get, "/rest/v1/videos", "table videos", null, null, default));
            Assert.Contains("SUPABASE_URL", error.Message, StringComparison.Ordinal);
            Assert.Equal(RetryRules.Most, tries);
        }
        finally
        {
            waiting.ForEach(one => one.Dispose());
        }
    }

    [Fact]
    public async Task A_server_that_says_how_long_to_wait_is_waited_for()
    {
        Fail(1, new(429, "", RetryAfter: 1));
        var started = TimeProvider.System.GetTimestamp();
        await ReadAsync();
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromSeconds(0.9));
    }

    [Fact]
    public async Task A_fault_that_stays_ends_after_so_many_tries_and_is_no_fault_of_the_input()
    {
        Fail(int.MaxValue, new(503, ""));
        var error = await Assert.ThrowsAsync<RemoteException>(ReadAsync);
        Assert.Contains("503", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(1 + RetryRules.Most, StandIn.Requests.Count);
    }

    [Theory]
    [InlineData("""[{"id": 2, "note": "a"}, {"id": 2, "note": "b"}]""", "21000", true)] // a 500 that every other try gets, too
    [InlineData("""[{"id": 2, "note": "a"}, {"id": 2, "note": "b"}]""", "21000", false)]
    [InlineData("""[{"id": "x"}]""", "22P02", true)]
    [InlineData("""[{"frob": 1}]""", "PGRST204", false)]
    public async Task What_another_try_cannot_mend_is_sent_once_whether_or_not_a_header_says_so(string body, string code, bool hasHeader)
    {
        StandIn.SaysProxyStatus = hasHeader;
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        await _project.Db.ExecuteAsync("alter table videos add note text");
        using var response = await _project.Client.SendAsync(
            HttpMethod.Post, "/rest/v1/videos", [("Prefer", "resolution=merge-duplicates")], content, default);
        Assert.Equal(code, (await RemoteError.ReadAsync(response, default)).Code);
        Assert.Single(StandIn.Requests);
    }

    [Theory]
    [InlineData("57014", "canceling statement due to statement timeout", 1)]
    [InlineData("XX000", "internal", 1)]
    [InlineData("40001", "could not serialize access", 2)]
    [InlineData("57P01", "terminating connection due to administrator command", 2)]
    [InlineData("PGRST003", "Timed out acquiring connection from connection pool.", 2)]
    [InlineData("InternalError", "of Storage", 2)]
    [InlineData("Error", "of a gateway: no SQLSTATE", 2)]
    [InlineData("ERROR", "of a gateway: no SQLSTATE", 2)]
    [InlineData("500", "of a gateway: no SQLSTATE", 2)]
    public async Task A_code_that_only_the_body_says_tells_whether_a_500_passes(string code, string message, int requests)
    {
        StandIn.SaysProxyStatus = false;
        var left = 1;
        StandIn.Intercept = _ => Task.FromResult(Interlocked.Decrement(ref left) >= 0 ? StandInFault.Rest(500, code, message) : null);
        using var response = await _project.Client.SendAsync(HttpMethod.Get, "/rest/v1/videos", null, null, default);
        Assert.Equal(requests, StandIn.Requests.Count);
    }

    [Theory]
    [InlineData("""{"statusCode":"503","error":"SlowDown","message":"try later","code":"SlowDown"}""", 2)]
    [InlineData("""{"statusCode":"429","error":"x","message":"x","code":"x"}""", 2)]
    [InlineData("""{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}""", 1)]
    public async Task Storage_says_400_and_means_what_its_body_says(string body, int requests)
    {
        Fail(1, new(400, body), "application/json");
        using var response = await _project.Client.SendAsync(HttpMethod.Get, "/storage/v1/bucket/none", null, null, default);
        Assert.Equal(requests, StandIn.Requests.Count);
    }

    [Fact]
    public async Task A_refusal_says_who_is_to_do_what()
    {
        await _project.Db.ExecuteAsync("revoke all on videos from service_role");
        Assert.Contains("db migrate", (await Assert.ThrowsAsync<InputException>(ReadAsync)).Message, StringComparison.Ordinal);
        using var nobody = new SupabaseClient(new(new("http://127.0.0.1:9"), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, delay: TimeSpan.FromMilliseconds(1));
        Assert.Contains("SUPABASE_URL", (await Assert.ThrowsAsync<InputException>(
            () => nobody.JsonAsync(HttpMethod.Get, "/rest/v1/videos", "table videos", null, null, default))).Message, StringComparison.Ordinal);
        using var other = new SupabaseClient(
            new(new(StandIn.Url), SupabaseKey.Parse(SupabaseTokens.Make("service_role", secret: new string('y', 40)), "test")), TimeProvider.System);
        Assert.Contains("copy the key", (await Assert.ThrowsAsync<InputException>(
            () => other.JsonAsync(HttpMethod.Get, "/rest/v1/videos", "table videos", null, null, default))).Message, StringComparison.Ordinal);
    }

    private Task<System.Text.Json.JsonElement> ReadAsync() => _project.Client.JsonAsync(HttpMethod.Get, "/rest/v1/videos?select=id", "table videos", null, null, default);

    private void Fail(int times, StandInFault fault, string? type = null)
    {
        var left = times;
        StandIn.Intercept = _ => Task.FromResult(Interlocked.Decrement(ref left) >= 0 ? fault with { Type = type } : null);
    }
}
