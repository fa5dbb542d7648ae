using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The registry over HTTP: for operators with the key, and for nobody else.</summary>
public sealed class ReleasesApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "correct-horse-battery-staple";
    private TestDatabase _db = null!;
    private ApiHost _api = null!;
    private Release _one = null!, _two = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        _one = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(seed: 1));
        _two = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        _api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:OperatorKey"] = Key });
        _api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _db.DisposeAsync();
    }

    private Task<JsonElement> PostAsync(string path, int status = 200, string? problem = null) =>
        _api.PostAsync(path, new { actor = "alice", reason = "a test" }, status, problem);

    [Fact]
    public async Task Releases_are_activated_and_rolled_back_and_the_history_says_who_and_why()
    {
        var activated = await PostAsync($"/v1/releases/{_two.ModelVersion}/activate");
        Assert.Equal((_one.ModelVersion, true), (activated.GetProperty("previous").GetString(), activated.GetProperty("changed").GetBoolean()));
        var back = await PostAsync("/v1/releases/rollback");
        Assert.Equal(_one.ModelVersion, back.GetProperty("modelVersion").GetString());

        var listed = (await _api.GetAsync("/v1/releases")).GetProperty("releases");
        Assert.Equal(
            [(_two.ModelVersion, "ready"), (_one.ModelVersion, "active")],
            listed.EnumerateArray().Select(release => (release.GetProperty("modelVersion").GetString()!, release.GetProperty("state").GetString()!)));
        var shown = await _api.GetAsync($"/v1/releases/{_two.ModelVersion}");
        var step = shown.GetProperty("history").EnumerateArray().Single(s => s.GetProperty("to").GetString() == "active");
        Assert.Equal(("operator over HTTP", "a test"), (step.GetProperty("actor").GetString(), step.GetProperty("reason").GetString()));
        Assert.Equal("active", Assert.Single((await _api.GetAsync($"/v1/releases/{_one.ModelVersion}")).GetProperty("needed").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task The_gate_runs_over_HTTP_and_its_run_is_recorded()
    {
        var report = await PostAsync($"/v1/releases/{_two.ModelVersion}/verify");
        Assert.True(report.GetProperty("passed").GetBoolean(), report.ToString());
        Assert.Equal(_one.ModelVersion, report.GetProperty("comparedWith").GetString());
        var runs = (await _api.GetAsync($"/v1/releases/{_two.ModelVersion}")).GetProperty("gateRuns");
        Assert.Equal(report.GetProperty("run").GetInt64(), runs[0].GetProperty("run").GetInt64());

        await _db.ExecuteAsync($"delete from {_two.Table} where video_id = (select min(video_id::text)::uuid from {_two.Table})");
        report = await PostAsync($"/v1/releases/{_two.ModelVersion}/verify");
        Assert.False(report.GetProperty("passed").GetBoolean());
        Assert.Contains("videos have no vector", report.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pinned_releases_stay_and_others_are_retired_and_pruned()
    {
        Assert.True((await ApiHost.ReadAsync(await _api.Client.PutAsync(new Uri($"/v1/releases/{_two.ModelVersion}/pin", UriKind.Relative), null), 200)).GetProperty("pinned").GetBoolean());
        Assert.Contains("is pinned", (await PostAsync($"/v1/releases/{_two.ModelVersion}/retire", 409, "release-state")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await ApiHost.ReadAsync(await _api.Client.DeleteAsync(new Uri($"/v1/releases/{_two.ModelVersion}/pin", UriKind.Relative)), 200);
        Assert.Empty((await _api.PostAsync("/v1/releases/prune", new { keep = 2, dryRun = true }, 200)).GetProperty("retired").EnumerateArray());
        Assert.True((await PostAsync($"/v1/releases/{_two.ModelVersion}/retire")).GetProperty("vectorsDropped").GetBoolean());
        var freed = Assert.Single((await _api.PostAsync("/v1/releases/prune", new { keep = 2 }, 200)).GetProperty("freed").EnumerateArray());
        Assert.Equal((_two.ModelVersion, true), (freed.GetProperty("modelVersion").GetString(), freed.GetProperty("fileBytes").GetInt64() > 10_000));
        Assert.All((await _api.GetAsync($"/v1/releases/{_two.ModelVersion}")).GetProperty("files").EnumerateArray(), file => Assert.True(file.GetProperty("freed").GetBoolean()));
        Assert.Contains(
            "is retired and cannot be activated",
            (await PostAsync($"/v1/releases/{_two.ModelVersion}/activate", 409, "release-state")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await _api.PostAsync("/v1/releases/prune", new { keep = 0 }, 400);
    }

    [Fact]
    public async Task Unknown_releases_are_404_and_what_the_state_forbids_is_409()
    {
        Assert.Contains("nope", (await _api.GetAsync("/v1/releases/nope", 404, "unknown-release")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        foreach (var action in new[] { "activate", "retire", "verify" }) await PostAsync($"/v1/releases/nope/{action}", 404, "unknown-release");
        await PostAsync("/v1/releases/rollback", 409, "release-state");
        await PostAsync($"/v1/releases/{_one.ModelVersion}/retire", 409, "release-state");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong-horse-battery-staple")]
    [InlineData("Bearer ")]
    [InlineData("Basic Y29ycmVjdC1ob3JzZQ==")]
    [InlineData("correct-horse-battery-staple")]
    public async Task Without_the_key_nothing_is_shown_or_done(string? authorization)
    {
        _api.Client.DefaultRequestHeaders.Authorization = authorization is null ? null : AuthenticationHeaderValue.Parse(authorization);
        var response = await _api.Client.PostAsJsonAsync($"/v1/releases/{_two.ModelVersion}/activate", new { });
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        await ApiHost.ReadAsync(response, 401, "operator-key-needed");
        await _api.GetAsync("/v1/releases", 401);
        Assert.Equal(_one.ModelVersion, (await new ReleaseStore(_db.DataSource).GetActiveAsync())!.ModelVersion);
    }

    [Fact]
    public async Task Where_no_key_is_configured_the_paths_are_not_there()
    {
        await using var api = await ApiHost.StartAsync(_db);
        await api.GetAsync("/v1/releases", 404, "unknown-path");
        await api.PostAsync("/v1/releases/rollback", new { }, 404);
        Assert.False((await api.GetAsync("/openapi/v1.json")).GetProperty("paths").TryGetProperty("/v1/releases", out _));
    }

    [Fact]
    public async Task A_key_that_is_too_short_ends_the_start_without_showing_it_and_an_empty_one_is_none()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => ApiHost.StartAsync(_db, new() { ["TwoTower:Api:OperatorKey"] = "hunter2" }));
        Assert.Equal("OperatorKey: OperatorKey must be 16 to 512 printable ASCII characters without spaces.", Assert.Single(error.Failures));
        await using var api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:OperatorKey"] = "" });
        await api.GetAsync("/v1/releases", 404, "unknown-path");
    }

    [Theory]
    [InlineData("ReleaseResponse", "state")]
    [InlineData("TransitionResponse", "from")]
    [InlineData("TransitionResponse", "to")]
    public async Task The_document_names_every_state_of_a_release(string type, string property)
    {
        var schemas = (await _api.GetAsync("/openapi/v1.json")).GetProperty("components").GetProperty("schemas");
        var names = schemas.GetProperty(type).GetProperty("properties").GetProperty(property).GetProperty("enum").EnumerateArray()
            .Select(name => name.GetString()).OfType<string>().ToList();

        Assert.Equal(["trained", "embedding", "ready", "active", "retired", "failed"], names);
        Assert.Equal(Enum.GetNames<ReleaseState>(), names, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_document_describes_the_operators_paths_and_the_key_that_they_need()
    {
        var document = await _api.GetAsync("/openapi/v1.json");
        var paths = document.GetProperty("paths").EnumerateObject().Where(path => path.Name.StartsWith("/v1/releases", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            ["/v1/releases", "/v1/releases/compare", "/v1/releases/prune", "/v1/releases/rollback", "/v1/releases/{modelVersion}", "/v1/releases/{modelVersion}/activate",
                "/v1/releases/{modelVersion}/bundle", "/v1/releases/{modelVersion}/pin", "/v1/releases/{modelVersion}/retire", "/v1/releases/{modelVersion}/verify"],
            paths.Select(path => path.Name).Order());
        Assert.Equal("bearer", document.GetProperty("components").GetProperty("securitySchemes").GetProperty("operatorKey").GetProperty("scheme").GetString());
        foreach (var operation in paths.SelectMany(path => path.Value.EnumerateObject()).Select(method => method.Value))
        {
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("summary").GetString()));
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("description").GetString()));
            Assert.True(operation.GetProperty("security")[0].TryGetProperty("operatorKey", out _));
            var responses = operation.GetProperty("responses");
            Assert.True(responses.TryGetProperty("401", out _) && responses.TryGetProperty("503", out _));
            var content = responses.GetProperty("200").GetProperty("content");
            Assert.True(content.TryGetProperty("application/x-tar", out _) || content.GetProperty("application/json").TryGetProperty("example", out _));
        }

        var import = document.GetProperty("paths").GetProperty("/v1/releases").GetProperty("post");
        Assert.True(import.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/x-tar", out _));
        Assert.True(import.GetProperty("responses").GetProperty("201").GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _));
    }

    [Fact]
    public async Task The_page_of_the_API_has_a_request_and_its_answer_for_every_operation_and_for_no_other()
    {
        var document = await _api.GetAsync("/openapi/v1.json");
        var operations = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        var page = await File.ReadAllTextAsync(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "api.md"));

        Assert.Equal(operations.Order(), Described(page).Where(operation => operation.Contains(" /v1/", StringComparison.Ordinal)).Order());
    }

    // The headings: `GET /a?b=` names one, `PUT`, `DELETE /a` two of one path.
    private static IEnumerable<string> Described(string page)
    {
        foreach (var heading in page.Split('\n').Where(line => line.StartsWith("### `", StringComparison.Ordinal)))
        {
            var names = heading.Split('`').Where((_, part) => part % 2 == 1).Select(name => name.Split('?')[0].Split(' ')).ToList();
            for (var i = 0; i < names.Count; i++) yield return $"{names[i][0]} {names.Skip(i).First(name => name.Length == 2)[1]}";
        }
    }
}
