using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TwoTower.Testing;
using TwoTower.Web.Hosting;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Tests;

/// <summary>Each operator's own key, and who the history says it was.</summary>
public sealed class OperatorKeysTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Alice = "the-key-of-alice-in-a-test", Bob = "the-key-of-bob-in-a-test", Nameless = "the-key-without-a-name";

    private static readonly Dictionary<string, string?> Keys = new()
    {
        ["TwoTower:Operators:alice"] = Alice,
        ["TwoTower:Operators:ci.bob"] = Bob,
    };

    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task The_actor_is_the_keys_name_whatever_the_request_says()
    {
        var one = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(seed: 1));
        var two = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await using var api = await ApiHost.StartAsync(_db, new(Keys) { ["TwoTower:Api:OperatorKey"] = Nameless });

        await PostAsync(api, Alice, $"/v1/releases/{two.ModelVersion}/activate", """{"actor": "root", "reason": "Tuesday"}""");
        await PostAsync(api, Bob, "/v1/releases/rollback", """{"actor": "alice"}""");
        await PostAsync(api, Nameless, $"/v1/releases/{two.ModelVersion}/verify", """{"actor": "alice"}""");
        await PostAsync(api, Alice, "/v1/experiments/taste",
            JsonSerializer.Serialize(new { modelVersion = two.ModelVersion, share = 0.5, actor = "bob" }), HttpMethod.Put);
        await PostAsync(api, Bob, "/v1/experiments/taste/stop", """{"reason": "seen enough"}""");
        await PostAsync(api, Alice, $"/v1/releases/{two.ModelVersion}/pin", "{}", HttpMethod.Put);
        await PostAsync(api, Alice, $"/v1/releases/{two.ModelVersion}/pin", null, HttpMethod.Delete);
        await PostAsync(api, Bob, $"/v1/releases/{two.ModelVersion}/retire", """{"actor": "alice", "reason": "old"}""");

        Assert.Equal(
            ["active by operator (alice): Tuesday", "retired by operator (ci.bob): old"],
            await _db.ListAsync<string>($"""
                select to_state || ' by ' || actor || ': ' || reason from two_tower.release_transitions
                where model_version = '{two.ModelVersion}' and to_state in ('active', 'retired') order by transition_id
                """));
        Assert.Equal("operator (ci.bob): by hand", await _db.ScalarAsync<string>($"""
            select actor || ': ' || reason from two_tower.release_transitions
            where model_version = '{one.ModelVersion}' and to_state = 'active' order by transition_id desc limit 1
            """));
        Assert.Equal("operator over HTTP",
            await _db.ScalarAsync<string>("select actor from two_tower.gate_runs order by gate_run_id desc limit 1"));
        Assert.Equal(
            "operator (alice)/operator (ci.bob)/seen enough",
            await _db.ScalarAsync<string>("select concat_ws('/', started_by, reason, stopped_by, stop_reason) from two_tower.experiments"));
    }

    [Fact]
    public async Task A_wrong_key_is_logged_without_the_key_and_answered_late()
    {
        using var log = new LogProvider();
        await using var api = await ApiHost.StartAsync(
            _db, new(Keys) { ["Logging:LogLevel:Default"] = "Information" }, builder => builder.Logging.ClearProviders().AddProvider(log));
        const string wrong = "not-the-key-of-anybody";
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/v1/releases"), (HttpMethod.Put, "/v1/experiments/x"),
            (HttpMethod.Post, "/v1/releases") })
        {
            var watch = Stopwatch.StartNew();
            using var request = new HttpRequestMessage(method, path) { Headers = { Authorization = new("Bearer", wrong) } };
            await ApiHost.ReadAsync(await api.Client.SendAsync(request), 401);
            Assert.True(watch.Elapsed >= OperatorGate.Moment - TimeSpan.FromMilliseconds(30), watch.Elapsed.ToString());
        }

        var lines = log.Lines.Of(LogLevel.Warning).Where(line => line.Contains("wrong operator's key", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, lines.Count);
        Assert.Contains("127.0.0.1: PUT HTTP: PUT /v1/experiments/{name}", lines[1], StringComparison.Ordinal);
        Assert.All(log.Lines.Text, line =>
        {
            foreach (var key in new[] { wrong, Alice, Bob }) Assert.DoesNotContain(key, line, StringComparison.Ordinal);
        });

        // A stranger who gives none is no guesser, and a right key is answered at once.
        await api.GetAsync("/v1/releases", 401);
        Assert.Equal(3, log.Lines.Of(LogLevel.Warning).Count(line => line.Contains("wrong operator's key", StringComparison.Ordinal)));
        await PostAsync(api, Alice, "/v1/releases/prune", "{}");
    }

    [Theory]
    [InlineData("TwoTower:Operators:carol", "hunter2", "TwoTower:Operators:carol: the key must be 16 to 512")]
    [InlineData("TwoTower:Operators:carol", "a key with spaces in it", "TwoTower:Operators:carol: the key must be")]
    [InlineData("TwoTower:Operators:carol", "", "TwoTower:Operators:carol: the key must be")]
    [InlineData("TwoTower:Operators:carol", Alice, "alice and carol have the same key")]
    [InlineData("TwoTower:Api:OperatorKey", Bob, "TwoTower:Operators:ci.bob is the key of TwoTower:Api:OperatorKey, too")]
    [InlineData("TwoTower:Operators:carol\n(root)", "a-key-that-is-long-enough", "the name must be 1 to 50")]
    public async Task A_key_that_cannot_be_one_ends_the_start_and_is_not_shown(string setting, string key, string expected)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => ApiHost.StartAsync(_db, new(Keys) { [setting] = key }));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        if (key.Length > 0) Assert.DoesNotContain(key, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"TwoTower": {"Operators": {"alice": null}}}""")]
    [InlineData("""{"TwoTower": {"Operators": {"alice": null, "carol": null}}}""")]
    public async Task A_key_that_is_null_ends_the_start_with_one_line(string json)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "settings.json");
        await File.WriteAllTextAsync(file, json);
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => ApiHost.StartAsync(_db, configure: builder => builder.Configuration.AddJsonFile(file)));
        Assert.StartsWith("TwoTower:Operators:alice: the key must be 16 to 512", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("same key", error.Message, StringComparison.Ordinal);
        Assert.Single(StartFailure.Explain(error)!.Split('\n'));
    }

    private static async Task<JsonElement> PostAsync(ApiHost api, string key, string path, string? body, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post,
            path)
        { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
        if (body is not null) request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        return await ApiHost.ReadAsync(await api.Client.SendAsync(request), 200);
    }
}
