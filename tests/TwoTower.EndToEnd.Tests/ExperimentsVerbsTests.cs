using TwoTower.Core.Quality;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>An experiment by its verbs, with the server that serves it: started, recorded, compared, stopped.</summary>
public sealed class ExperimentsVerbsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task A_share_of_the_viewers_gets_the_other_release_and_the_comparison_tells_what_came_of_it()
    {
        await _workplace.ImportGoldenAsync();
        var one = await _workplace.ReleaseAsync();
        var two = await _workplace.ReleaseAsync("--seed", "7", "--fresh");
        await _workplace.RunAsync("releases", "rollback");
        var started = await _workplace.JsonAsync("experiments", "start", "taste", "--release", two, "--share", "0.5", "--reason", "a test");
        Assert.Equal((two, 0.5), (started.GetProperty("model_version").GetString(), started.GetProperty("share").GetDouble()));
        Assert.Contains("taste is running", Assert.Single((await _workplace.TryAsync("experiments", "start", "more", "--release", two, "--share", "0.5")).ErrorLines));
        Assert.Contains("is in experiment taste", Assert.Single((await _workplace.TryAsync("releases", "retire", two)).ErrorLines));
        Assert.Contains("kept     " + two + ": experiment taste", (await _workplace.RunAsync("releases", "prune", "--keep", "1")).Out);

        var viewers = Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Select(user => user.UserId).Take(40).ToList();
        _workplace.Environment["TwoTower__Impressions__Share"] = "1";
        await using (var server = await ServerProcess.StartAsync(_workplace))
        {
            foreach (var viewer in viewers)
            {
                var answer = await server.GetAsync($"/v1/users/{viewer}/recommendations?limit=4");
                var treated = UserShare.Of(viewer, "experiment:taste") < 0.5;
                Assert.Equal(treated ? two : one, answer.GetProperty("modelVersion").GetString());
                var decision = new { userId = viewer, videoId = answer.GetProperty("videos")[0].GetProperty("videoId").GetGuid(), decision = treated ? "like" : "nope" };
                (await server.PostAsync("/v1/decisions", decision)).EnsureSuccessStatusCode();
            }

            // Asked to stop, it records what it served last.
            server.Process.Interrupt();
            await server.Process.ExitAsync();
        }

        var compared = await _workplace.JsonAsync("releases", "compare", one, two, "--experiment", "taste", "--since", "2h");
        Assert.Equal(viewers.Count, compared.GetProperty("a").GetProperty("users").GetInt32() + compared.GetProperty("b").GetProperty("users").GetInt32());
        Assert.Equal([0, 0.25, 0.25, 0], compared.GetProperty("metrics").EnumerateArray().Take(2).SelectMany(metric =>
            new[] { metric.GetProperty("a").GetProperty("value").GetDouble(), metric.GetProperty("b").GetProperty("value").GetDouble() }));
        Assert.Contains("+0.2500", (await _workplace.RunAsync("releases", "compare", one, two)).Out);

        Assert.Equal("taste", (await _workplace.JsonAsync("experiments", "stop", "taste", "--reason", "seen enough")).GetProperty("name").GetString());
        var listed = Assert.Single((await _workplace.JsonAsync("experiments", "list")).EnumerateArray());
        Assert.Equal("seen enough", listed.GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData("--share 1.5 is not a number", "experiments", "start", "a", "--release", "x", "--share", "1.5")]
    [InlineData("--since soon is neither a time", "releases", "compare", "a", "b", "--since", "soon")]
    [InlineData("There is no release a", "releases", "compare", "a", "b")]
    [InlineData("There is no experiment a", "experiments", "stop", "a")]
    public async Task What_cannot_be_done_is_one_line_that_says_why(string line, params string[] args)
    {
        var result = await _workplace.TryAsync(args);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(line, Assert.Single(result.ErrorLines));
    }
}
