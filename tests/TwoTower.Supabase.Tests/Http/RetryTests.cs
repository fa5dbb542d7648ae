using System.Net;
using System.Net.Sockets;
using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Http;

/// <summary>What is sent again, and what isn't: real answers over real HTTP.</summary>
public sealed class RetryTests(SupabaseServer server) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private SupabaseStandIn _standIn = null!;
    private SupabaseClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        _db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        await _db.ExecuteAsync("create table videos (id int primary key); grant all on videos to service_role; insert into videos values (1)");
        _standIn = new(_db);
        _client = new(
            new(new(_standIn.Url), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, delay: TimeSpan.FromMilliseconds(5));
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_standIn is not null) await _standIn.DisposeAsync();
        if (_db is not null) await _db.DisposeAsync();
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
        Assert.Equal(4, _standIn.Requests.Count);
    }

    [Theory]
    [InlineData(StandInBreak.Cut)]
    [InlineData(StandInBreak.Silent)]
    public async Task An_answer_that_breaks_off_in_its_body_is_asked_for_again(StandInBreak how)
    {
        var fault = new StandInFault(200, """[{"id": """, Type: "application/json") { Break = how };
        using var client = new SupabaseClient(
            _client.Project, TimeProvider.System, delay: TimeSpan.FromMilliseconds(5),
            patience: Patience.Usual with { Silence = TimeSpan.FromSeconds(0.3) });
        Fail(3, fault, fault.Type);
        Assert.Equal(1, (await AskAsync()).GetArrayLength());
        Assert.Equal(4, _standIn.Requests.Count);
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
        Assert.Equal(1 + RetryRules.Most, _standIn.Requests.Count);
    }

    [Theory]
    [InlineData("""[{"id": 2}, {"id": 2}]""", "21000")] // a 500 that every other try gets, too
    [InlineData("""[{"id": "x"}]""", "22P02")]
    [InlineData("""[{"frob": 1}]""", "PGRST204")]
    public async Task What_another_try_cannot_mend_is_sent_once(string body, string code)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        await _db.ExecuteAsync("alter table videos add note text");
        using var response = await _client.SendAsync(
            HttpMethod.Post, "/rest/v1/videos", [("Prefer", "resolution=merge-duplicates")],
            code == "21000" ? new StringContent("""[{"id": 2, "note": "a"}, {"id": 2, "note": "b"}]""", System.Text.Encoding.UTF8, "application/json") : content, default);
        Assert.Equal(code, (await RemoteError.ReadAsync(response, default)).Code);
        Assert.Single(_standIn.Requests);
    }

    [Theory]
    [InlineData("""{"statusCode":"503","error":"SlowDown","message":"try later","code":"SlowDown"}""", 2)]
    [InlineData("""{"statusCode":"429","error":"x","message":"x","code":"x"}""", 2)]
    [InlineData("""{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}""", 1)]
    public async Task Storage_says_400_and_means_what_its_body_says(string body, int requests)
    {
        Fail(1, new(400, body), "application/json");
        using var response = await _client.SendAsync(HttpMethod.Get, "/storage/v1/bucket/none", null, null, default);
        Assert.Equal(requests, _standIn.Requests.Count);
    }

    [Fact]
    public async Task A_refusal_says_who_is_to_do_what()
    {
        await _db.ExecuteAsync("revoke all on videos from service_role");
        Assert.Contains("db migrate", (await Assert.ThrowsAsync<InputException>(ReadAsync)).Message, StringComparison.Ordinal);
        using var nobody = new SupabaseClient(new(new("http://127.0.0.1:9"), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, delay: TimeSpan.FromMilliseconds(1));
        Assert.Contains("SUPABASE_URL", (await Assert.ThrowsAsync<InputException>(
            () => nobody.JsonAsync(HttpMethod.Get, "/rest/v1/videos", "table videos", null, null, default))).Message, StringComparison.Ordinal);
        using var other = new SupabaseClient(
            new(new(_standIn.Url), SupabaseKey.Parse(SupabaseTokens.Make("service_role", secret: new string('y', 40)), "test")), TimeProvider.System);
        Assert.Contains("copy the key", (await Assert.ThrowsAsync<InputException>(
            () => other.JsonAsync(HttpMethod.Get, "/rest/v1/videos", "table videos", null, null, default))).Message, StringComparison.Ordinal);
    }

    private Task<System.Text.Json.JsonElement> ReadAsync() => _client.JsonAsync(HttpMethod.Get, "/rest/v1/videos?select=id", "table videos", null, null, default);

    private void Fail(int times, StandInFault fault, string? type = null)
    {
        var left = times;
        _standIn.Intercept = _ => Task.FromResult(Interlocked.Decrement(ref left) >= 0 ? fault with { Type = type } : null);
    }
}
