using System.Globalization;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class EvaluateVerbTests(PostgresFixture postgres) : IDisposable
{
    private const string Leftovers = "select datname::text from pg_database where datname like 'twotower\\_evaluate\\_%'";

    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-evaluate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Recipes_and_baselines_stand_side_by_side_and_the_rankings_can_be_recomputed()
    {
        var dump = Path.Combine(_folder, "rankings.csv");

        var result = await TwotowerProcess.RunAsync(
            "evaluate", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--baseline", "popularity", "--baseline", "ease",
            "--dump", dump, "--json");

        Assert.True(result.ExitCode == 0, result.Err);
        using var report = JsonDocument.Parse(result.Out);
        Assert.Contains("recall_20", result.Out, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(dump);
        Assert.Equal("viewer,rank,video,score", lines[0]); // of the one recipe
        foreach (var ranking in lines[1..].Select(line => line.Split(',')).GroupBy(row => row[0]))
        {
            Assert.Equal(Enumerable.Range(1, ranking.Count()), ranking.Select(row => int.Parse(row[1], CultureInfo.InvariantCulture)));
            var scores = ranking.Select(row => float.Parse(row[3], CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(scores.OrderDescending(), scores);
        }
    }

    [Fact]
    public async Task A_baseline_that_the_items_are_too_many_for_is_left_out_or_refused_by_name_before_anything_is_fitted()
    {
        string[] evaluate = ["evaluate", "--generate", "--viewers", "4000", "--videos", "100000"];

        await using (var all = TwotowerProcess.Start(evaluate))
        {
            await all.LineAsync(line => line.Contains("ease takes 20,000 items at most, and here are", StringComparison.Ordinal) && line.EndsWith("it is left out", StringComparison.Ordinal));
        }

        var named = await TwotowerProcess.RunAsync([.. evaluate, "--baseline", "popularity", "--baseline", "ease"]);
        Assert.Equal(2, named.ExitCode);
        Assert.EndsWith("name other baselines with --baseline and --reference", Assert.Single(named.ErrorLines), StringComparison.Ordinal);
        Assert.DoesNotContain("popularity: done", named.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_live_api_gives_what_an_exact_search_gives_from_a_database_that_is_gone_afterwards()
    {
        await using var workplace = await Workplace.CreateAsync(postgres);
        var page = Path.Combine(_folder, "evaluation.html");

        var report = await workplace.JsonAsync(
            "evaluate", "--generate", "--viewers", "150", "--videos", "250", "--recipe", "v2", "--epochs", "2", "--seeds", "42,43", "--baseline", "popularity",
            "--live", "10", "--report", page);

        var live = Assert.Single(report.GetProperty("live").EnumerateArray());
        Assert.Equal(("v2", 42, 10), (live.GetProperty("contender").GetString(), live.GetProperty("seed").GetInt32(), live.GetProperty("viewers").GetInt32()));

        // So few videos are sorted exactly: features from SQL, the tower and the vectors must give the evaluation's own ranking.
        AssertSameRankings(live);

        var html = await File.ReadAllTextAsync(page);
        Assert.Contains("v2, the live API", html, StringComparison.Ordinal);
        Assert.Equal(4 + 1 + 2 + 2 + 1, html.Split("<svg ").Length - 1); // metrics, learning curve, buckets, likes against nopes, calibration

        Assert.Equal(0, await workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from two_tower.releases)"));
        Assert.Empty(await workplace.Database.ListAsync<string>(Leftovers));
    }

    [Theory]
    [InlineData("cold-items")]
    [InlineData("time")]
    public async Task Every_protocol_can_be_asked_of_the_live_api(string protocol)
    {
        await using var workplace = await Workplace.CreateAsync(postgres);

        var report = await workplace.JsonAsync(
            "evaluate", "--generate", "--viewers", "150", "--videos", "250", "--protocol", protocol, "--recipe", "v2-fast", "--epochs", "1", "--baseline", "none",
            "--live", "8");

        var live = Assert.Single(report.GetProperty("live").EnumerateArray());
        Assert.InRange(live.GetProperty("viewers").GetInt32(), 1, 8);
        AssertSameRankings(live);
    }

    [Fact]
    public async Task A_server_without_the_right_to_make_a_database_is_refused_before_anything_is_trained()
    {
        await using var workplace = await Workplace.CreateAsync(postgres);
        await using var nobody = await workplace.Database.AsRoleAsync();
        workplace.Environment["TWOTOWER_DATABASE"] = nobody.ConnectionString;

        var result = await workplace.TryAsync("evaluate", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--baseline", "none", "--live", "5");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("name another server with --database", result.ErrorLines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("training steps", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_a_recipe_can_be_asked_of_the_live_api()
    {
        var result = await TwotowerProcess.RunAsync("evaluate", "--data", Golden.Folder, "--baseline", "ease", "--live", "5");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("give a --recipe", result.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--report")]
    [InlineData("--dump")]
    public async Task A_folder_where_a_file_is_wanted_is_refused_at_once(string option)
    {
        var result = await TwotowerProcess.RunAsync("evaluate", "--data", Golden.Folder, "--baseline", "ease", option, _folder);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{option} {_folder} is a folder", Assert.Single(result.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(result.Out);
    }

    [Fact]
    public async Task A_suffix_that_no_viewer_has_is_an_error_with_a_remedy()
    {
        var result = await TwotowerProcess.RunAsync(
            "evaluate", "--data", Golden.Folder, "--baseline", "popularity", "--validation-suffix", "777");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("give another --validation-suffix", result.ErrorLines[^1], StringComparison.Ordinal);
    }

    // Where two scores are the same but for rounding, two videos may have changed places.
    internal static void AssertSameRankings(JsonElement live)
    {
        Assert.InRange(live.GetProperty("largest_score_difference").GetDouble(), 0, 1e-5);
        Assert.InRange(live.GetProperty("overlap20").GetProperty("mean").GetDouble(), 0.98, 1);
        Assert.InRange(live.GetProperty("loss").GetProperty("metrics").GetProperty("ndcg_100").GetProperty("mean").GetDouble(), -0.01, 0.01);
    }
}
