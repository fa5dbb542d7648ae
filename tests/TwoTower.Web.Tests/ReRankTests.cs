using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Whose word it is in which order an answer comes: the recipe's, unless the server's settings say otherwise.</summary>
public sealed class ReRankTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Theory]
    [InlineData(false, null, false)]
    [InlineData(true, null, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    public async Task A_release_is_answered_in_its_recipes_order_unless_the_settings_say_otherwise(
        bool recipe, bool? setting, bool expected)
    {
        var checkpoint = TestCheckpoints.Random();
        await TestReleases.ActivateAsync(
            _db, checkpoint with { Recipe = checkpoint.Recipe with { Serving = new ServingOptions { ReRank = recipe } } });
        await using var api = await ApiHost.StartAsync(_db, setting is null ? [] : new() { ["TwoTower:Recommendation:ReRank"] = $"{setting}" });

        var answer = await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=20");

        var (scores, ranks) = (Numbers(answer, "score"), Numbers(answer, "rankScore"));
        Assert.Equal(20, scores.Count);
        Assert.Equal(ranks.OrderDescending(), ranks);
        Assert.Equal(expected, !scores.SequenceEqual(scores.OrderDescending()));
        Assert.Equal(expected, !scores.SequenceEqual(ranks));
    }

    private static List<double> Numbers(JsonElement answer, string name) =>
        [.. answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty(name).GetDouble())];
}
