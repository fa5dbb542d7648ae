using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The calibrated probability of an answer, from the release's own file and the viewer's own decisions.</summary>
public sealed class LikeProbabilityTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly LikeCalibration Calibration = new(7.5, -0.4, 0.8, 6, 4, 120, 1_900, 1_200);

    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_video_has_the_probability_that_the_release_gives_its_score_for_this_viewer(bool useRpcFeatures)
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(useRpcFeatures: useRpcFeatures) with { Calibration = Calibration });
        await using var api = await ApiHost.StartAsync(_db, []);
        var (likes, nopes) = (await CountAsync("like"), await CountAsync("nope"));
        Assert.True(likes > 0 && nopes > 0);
        var rate = Math.Log((likes + 6.0) / (nopes + 4.0));

        var answer = await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=20");

        var videos = answer.GetProperty("videos").EnumerateArray().ToList();
        Assert.Equal(20, videos.Count);
        Assert.All(videos, video =>
        {
            var score = video.GetProperty("score").GetDouble();
            Assert.Equal(1 / (1 + Math.Exp(-(7.5 * score - 0.4 + 0.8 * rate))), video.GetProperty("likeProbability").GetDouble(), 9);
            Assert.Equal(1 / (1 + Math.Exp(-score)), video.GetProperty("probability").GetDouble(), 9); // the contract's own stays
        });

        var similar = await api.GetAsync($"/v1/videos/{videos[0].GetProperty("videoId").GetGuid()}/similar");
        Assert.All(similar.GetProperty("videos").EnumerateArray(), NoProbability);
        var popular = await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        Assert.All(popular.GetProperty("videos").EnumerateArray(), NoProbability);
    }

    [Fact]
    public async Task A_release_without_a_calibration_answers_without_one()
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        await using var api = await ApiHost.StartAsync(_db, []);

        var answer = await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");

        Assert.NotEmpty(answer.GetProperty("videos").EnumerateArray());
        Assert.All(answer.GetProperty("videos").EnumerateArray(), NoProbability);
    }

    private static void NoProbability(JsonElement video) => Assert.Equal(JsonValueKind.Null, video.GetProperty("likeProbability").ValueKind);

    private async Task<long> CountAsync(string decision) => await _db.ScalarAsync<long>(
        $"select count(*) from public.user_video_decisions where user_id = '{ApiWorld.Viewer}' and decision_type::text = '{decision}'");
}
