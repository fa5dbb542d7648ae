using System.Net;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>The whole path by its verbs, as a person types them: tables to recommendations over HTTP.</summary>
public sealed class PipelineTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task The_golden_world_goes_from_csv_to_recommendations_over_http()
    {
        await _workplace.ImportGoldenAsync();
        var version = await _workplace.ReleaseAsync();
        await using var server = await ServerProcess.StartAsync(_workplace);
        var viewer = await ViewerAsync("like");

        var answer = await server.GetAsync($"/v1/users/{viewer}/recommendations?limit=10");

        Assert.Equal(version, answer.GetProperty("modelVersion").GetString());
        Assert.Equal("two_tower", answer.GetProperty("strategy").GetString());
        var ids = Ids(answer);
        Assert.Equal(10, ids.Distinct().Count());
        var seen = await _workplace.Database.ListAsync<Guid>($"select video_id from user_video_decisions where user_id = '{viewer}'");
        Assert.Empty(ids.Intersect(seen));
    }

    [Fact]
    public async Task A_made_up_world_goes_the_same_way_with_features_computed_in_process()
    {
        await _workplace.GenerateAsync();
        await _workplace.ReleaseAsync("--set", "features.use_rpc_features=false");
        var viewer = await ViewerAsync("like");

        var answer = await _workplace.JsonAsync("recommend", $"{viewer}", "--limit", "5");

        Assert.Equal("two_tower", answer.GetProperty("strategy").GetString());
        Assert.Equal(5, answer.GetProperty("videos").GetArrayLength());
    }

    [Fact]
    public async Task A_release_of_v3_says_how_probable_a_like_is_also_where_it_is_imported()
    {
        await _workplace.GenerateAsync(viewers: 400);
        var trained = await _workplace.RunAsync("train", "--recipe", "v3", "--epochs", "2", "--set", "samples.held_out_users=0.25");
        Assert.Contains("like probability: fitted on ", trained.Out);
        await _workplace.RunAsync("embed", "--activate");
        var viewer = await ViewerAsync("like");
        var probabilities = await ProbabilitiesAsync(_workplace);
        Assert.All(probabilities, probability => Assert.InRange(probability, 0.01, 0.9999));
        Assert.Equal(probabilities.OrderDescending(), probabilities); // v3 answers in the order of the score

        var bundle = _workplace.PathOf("bundle");
        await _workplace.RunAsync("export", bundle);
        Assert.Contains("calibration.json", Directory.EnumerateFiles(bundle).Select(Path.GetFileName));
        await using var elsewhere = await Workplace.CreateAsync(postgres);
        await elsewhere.GenerateAsync(viewers: 400);
        await elsewhere.RunAsync("releases", "import", bundle, "--activate");
        var there = await ProbabilitiesAsync(elsewhere);
        Assert.Equal(probabilities.Count, there.Count);
        Assert.All(probabilities.Zip(there), pair => Assert.Equal(pair.First, pair.Second, 1e-3));

        async Task<List<double>> ProbabilitiesAsync(Workplace workplace) =>
            [.. (await workplace.JsonAsync("recommend", $"{viewer}")).GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("like_probability").GetDouble())];
    }

    [Fact]
    public async Task Vocabularies_that_come_out_empty_are_said_and_the_rest_goes_the_same_way()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.Database.ExecuteAsync("delete from video_tags; delete from video_performers");

        var trained = await _workplace.RunAsync("train", "--epochs", "1");
        Assert.Contains("min_tag_freq", trained.Out);
        Assert.Contains("min_actress_freq", trained.Out);
        await _workplace.RunAsync("embed", "--activate");
        await _workplace.RunAsync("export", _workplace.PathOf("bundle"));

        var answer = await _workplace.JsonAsync("recommend", $"{await ViewerAsync("like")}", "--limit", "5");
        Assert.Equal(5, answer.GetProperty("videos").GetArrayLength());
    }

    [Fact]
    public async Task A_decision_posted_counts_in_the_next_request_and_one_without_likes_gets_what_is_popular()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.ReleaseAsync();
        await using var server = await ServerProcess.StartAsync(_workplace);
        var newcomer = Guid.NewGuid();

        var before = await server.GetAsync($"/v1/users/{newcomer}/recommendations");
        Assert.Equal("popular_and_fresh", before.GetProperty("strategy").GetString());
        var liked = Ids(before)[0];
        var posted = await server.PostAsync("/v1/decisions", new { userId = newcomer, videoId = liked, decision = "like" });
        Assert.True(posted.IsSuccessStatusCode, await posted.Content.ReadAsStringAsync());

        var after = await server.GetAsync($"/v1/users/{newcomer}/recommendations");
        Assert.Equal("two_tower", after.GetProperty("strategy").GetString());
        Assert.DoesNotContain(liked, Ids(after));
        Assert.Equal(HttpStatusCode.BadRequest, (await server.SendGetAsync("/v1/users/not-a-uuid/recommendations")).StatusCode);
    }

    [Fact]
    public async Task An_exported_release_verifies_and_a_changed_byte_is_found()
    {
        await _workplace.ImportGoldenAsync();
        var version = await _workplace.ReleaseAsync();
        var bundle = _workplace.PathOf("bundle");

        await _workplace.RunAsync("export", bundle);
        var verified = await _workplace.JsonAsync("manifest", "verify", bundle);
        Assert.Equal(version, verified.GetProperty("model_version").GetString());
        Assert.Contains("video_embeddings.parquet", Directory.EnumerateFiles(bundle).Select(Path.GetFileName));

        await File.AppendAllTextAsync(Path.Combine(bundle, "normalizer.json"), " ");
        var broken = await _workplace.TryAsync("manifest", "verify", bundle);
        Assert.Equal(2, broken.ExitCode);
        Assert.Contains("normalizer.json", Assert.Single(broken.ErrorLines));
    }

    [Fact]
    public async Task Training_twice_with_the_same_seed_gives_the_same_files_but_for_the_date()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.JsonAsync("train", "--epochs", "2", "--threads", "1");
        await _workplace.JsonAsync("train", "--epochs", "2", "--threads", "1", "--fresh");

        var different = await _workplace.Database.ListAsync<string>(
            "select path from two_tower.release_files group by path having count(distinct sha256) > 1");
        Assert.Equal(["model_meta.json"], different);
    }

    [Fact]
    public async Task A_user_on_the_command_line_must_be_a_known_uuid_or_name()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.ReleaseAsync();

        foreach (var user in new[] { "11111111-2222-3333-4444-555555555555", "nobody of that name" })
        {
            var result = await _workplace.TryAsync("recommend", user);
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(user, Assert.Single(result.ErrorLines));
        }

        Assert.NotEqual("", (await _workplace.RunAsync("recommend", "user 1")).Out);
    }

    [Fact]
    public async Task Without_a_release_recommend_says_what_to_do_and_the_api_answers_503()
    {
        await _workplace.ImportGoldenAsync();
        var viewer = await ViewerAsync("like");

        var result = await _workplace.TryAsync("recommend", $"{viewer}");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("twotower train", Assert.Single(result.ErrorLines));

        await using var server = await ServerProcess.StartAsync(_workplace);
        var response = await server.SendGetAsync($"/v1/users/{viewer}/recommendations");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private Task<Guid> ViewerAsync(string decision) => _workplace.Database.ScalarAsync<Guid>(
        $"""
        select user_id from user_video_decisions join profiles using (user_id) where decision_type = '{decision}'
        group by user_id order by count(*) desc, user_id limit 1
        """);

    private static List<Guid> Ids(JsonElement answer) =>
        [.. answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid())];
}
