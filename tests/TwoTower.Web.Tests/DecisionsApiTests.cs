using System.Text;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

public sealed class DecisionsApiTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private static Guid Video(int index) => Golden.ItemPayloads[index].VideoId;

    [Fact]
    public async Task A_posted_decision_counts_in_the_very_next_request()
    {
        var user = Guid.NewGuid();
        var before = await world.Api.GetAsync($"/v1/users/{user}/recommendations?limit=100");
        Assert.Equal("popular_and_fresh", before.GetProperty("strategy").GetString());

        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = Video(0), decision = "like" }, 201);
        var afterLike = await world.Api.GetAsync($"/v1/users/{user}/recommendations?limit=100");
        Assert.Equal("two_tower", afterLike.GetProperty("strategy").GetString());
        Assert.DoesNotContain(Video(0), ApiWorld.Ids(afterLike));

        // A nope changes the features (counts, like ratio) and hides the video.
        var next = ApiWorld.Ids(afterLike)[0];
        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = next, decision = "nope" }, 201);
        var afterNope = await world.Api.GetAsync($"/v1/users/{user}/recommendations?limit=100");
        Assert.DoesNotContain(next, ApiWorld.Ids(afterNope));
        Assert.NotEqual(
            afterLike.GetProperty("videos")[1].GetProperty("score").GetDouble(),
            afterNope.GetProperty("videos").EnumerateArray().Single(v => v.GetProperty("videoId").GetGuid() == ApiWorld.Ids(afterLike)[1]).GetProperty("score").GetDouble());
    }

    [Fact]
    public async Task A_decision_sent_twice_with_its_time_is_recorded_once()
    {
        var user = Guid.NewGuid();
        var body = new { userId = user, videoId = Video(1), decision = "like", decidedAt = "2026-01-20T10:00:00+09:00" };
        var created = await world.Api.PostAsync("/v1/decisions", body, 201);
        Assert.Equal("2026-01-20T01:00:00Z", created.GetProperty("decidedAt").GetString());
        await world.Api.PostAsync("/v1/decisions", body, 200);
        Assert.Equal(1L, await CountAsync(user));

        // Another time is another decision, and so is one without a time.
        await world.Api.PostAsync("/v1/decisions", body with { decidedAt = "2026-01-20T01:00:01" }, 201);
        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = Video(1), decision = "like" }, 201);
        Assert.Equal(3L, await CountAsync(user));
        Assert.Equal(1L, await world.Database.ScalarAsync<long>(
            $"select count(*) from user_video_decisions where user_id = '{user}' and created_at = '2026-01-20T01:00:01Z'"));
    }

    [Fact]
    public async Task A_decision_on_an_unknown_video_is_refused_and_nothing_is_written()
    {
        var user = Guid.NewGuid();
        var problem = await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = ApiWorld.Stranger, decision = "like" }, 404);
        Assert.Contains(ApiWorld.Stranger.ToString(), problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(0L, await CountAsync(user));
    }

    [Theory]
    [InlineData("""{"userId":"00000000-0000-0000-0000-0000000000cc","videoId":"00000000-0000-0000-0000-000000000001","decision":"love"}""", "'like' or 'nope'")]
    [InlineData("""{"videoId":"00000000-0000-0000-0000-000000000001","decision":"like"}""", "userId")]
    [InlineData("""{"userId":"bob","videoId":"00000000-0000-0000-0000-000000000001","decision":"like"}""", "userId isn't a UUID")]
    [InlineData("""{"userId":"00000000-0000-0000-0000-0000000000cc","videoId":"00000000-0000-0000-0000-000000000001","decision":"like","decidedAt":"yesterday"}""", "2026-01-20T18:30:00Z was expected")]
    [InlineData("""{"userId":"00000000-0000-0000-0000-0000000000cc","videoId":"00000000-0000-0000-0000-000000000001","decision":"like","decidedAt":"2999-01-01T00:00:00Z"}""", "minutes ahead")]
    [InlineData("""{"userId":"00000000-0000-0000-0000-0000000000cc","videoId":"00000000-0000-0000-0000-000000000001","decision":"like","decidedAt":"0001-01-01T00:00:00Z"}""", "before 2000")]
    [InlineData("like!", "JSON")]
    [InlineData("", "JSON")]
    public async Task A_body_that_cannot_be_used_is_refused_with_what_is_wrong(string body, string reason)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        var problem = await ApiHost.ReadAsync(await world.Api.Client.PostAsync("/v1/decisions", content), 400);
        Assert.Contains(reason, problem.GetRawText().Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_body_that_is_not_json_is_415()
    {
        using var content = new StringContent("userId=x", Encoding.UTF8, "application/x-www-form-urlencoded");
        var problem = await ApiHost.ReadAsync(await world.Api.Client.PostAsync("/v1/decisions", content), 415);
        Assert.Contains("application/json", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_allows_one_decision_a_video_answers_409_to_a_second()
    {
        var user = Guid.NewGuid();
        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = Video(2), decision = "like" }, 201);
        await world.Database.ExecuteAsync($"create unique index one_a_video on user_video_decisions (user_id, video_id) where user_id = '{user}'");
        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = Video(2), decision = "nope" }, 409);
        await world.Database.ExecuteAsync("drop index one_a_video");
    }

    private Task<long> CountAsync(Guid user) =>
        world.Database.ScalarAsync<long>($"select count(*) from user_video_decisions where user_id = '{user}'");
}
