using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
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
        var problem = await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = ApiWorld.Stranger, decision = "like" }, 404, "unknown-video");
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
        await world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = Video(2), decision = "nope" }, 409, "conflicting-decision");
        await world.Database.ExecuteAsync("drop index one_a_video");
    }

    [Fact]
    public async Task A_like_that_was_taken_back_is_no_reason_and_no_taste()
    {
        var user = Guid.NewGuid();
        Task DecideAsync(Guid video, string decision, string at) =>
            world.Api.PostAsync("/v1/decisions", new { userId = user, videoId = video, decision, decidedAt = at }, 201);
        Task<JsonElement> AskAsync() => world.Api.GetAsync($"/v1/users/{user}/recommendations?limit=100");
        static string?[] Reasons(JsonElement answer) =>
            [.. answer.GetProperty("videos").EnumerateArray().SelectMany(video => video.GetProperty("reasons").EnumerateArray().Select(reason => reason.GetProperty("name").GetString())).Distinct()];

        var (first, second) = Golden.Tables.Videos.SelectMany(a => Golden.Tables.Videos.Select(b => (a, b)))
            .First(pair => pair.a.Tags.Count > 1 && pair.b.Tags.Count > 0 && !pair.a.Tags.Intersect(pair.b.Tags).Any());
        await DecideAsync(first.Id, "like", "2026-01-01T00:00:00Z");
        await DecideAsync(first.Id, "like", "2026-01-01T00:00:01Z"); // a second word on the same video
        await DecideAsync(second.Id, "like", "2026-01-01T00:00:02Z");
        var before = await AskAsync();
        Assert.Contains(first.Tags[0], Reasons(before));
        Assert.All(
            before.GetProperty("videos").EnumerateArray().SelectMany(video => video.GetProperty("reasons").EnumerateArray()),
            reason => Assert.InRange(reason.GetProperty("likes").GetInt32(), 1, 2));

        await DecideAsync(first.Id, "nope", "2026-01-01T00:00:03Z");
        var after = await AskAsync();
        Assert.Equal("two_tower", after.GetProperty("strategy").GetString());
        Assert.Empty(Reasons(after).Intersect(first.Tags));
        Assert.NotEmpty(Reasons(after).Intersect(second.Tags.Concat(second.Performers)));

        // Nothing is liked any more: nothing to go by.
        await DecideAsync(second.Id, "nope", "2026-01-01T00:00:04Z");
        Assert.Equal("popular_and_fresh", (await AskAsync()).GetProperty("strategy").GetString());

        // Liked again, by another road: a decision that was deleted never was.
        await world.Database.ExecuteAsync($"delete from user_video_decisions where user_id = '{user}' and decision_type = 'nope'");
        Assert.Equal(Reasons(before).Order(), Reasons(await AskAsync()).Order());
    }

    [Theory]
    [InlineData(-60)]
    [InlineData(0)]
    [InlineData(60)]
    public async Task What_the_future_is_the_database_says_whatever_the_replicas_clock(int minutes)
    {
        await using var replica = await ApiHost.StartAsync(
            world.Database, configure: builder =>
                builder.Services.AddSingleton<TimeProvider>(new WrongClock(TimeSpan.FromMinutes(minutes))));
        var user = Guid.NewGuid();
        var now = await world.Database.ScalarAsync<DateTime>("select clock_timestamp()");
        object Like(int video, TimeSpan ahead) => new { userId = user, videoId = Video(video), decision = "like", decidedAt = new DateTimeOffset(now, TimeSpan.Zero) + ahead };

        await replica.PostAsync("/v1/decisions", Like(0, TimeSpan.Zero), 201);
        await replica.PostAsync("/v1/decisions", Like(1, TimeSpan.FromMinutes(2)), 201);
        var problem = await replica.PostAsync("/v1/decisions", Like(2, TimeSpan.FromMinutes(20)), 400);
        Assert.Equal("urn:twotower:problem:impossible-time", problem.GetProperty("type").GetString());
        Assert.Equal(2L, await CountAsync(user));
        Assert.Equal("two_tower", (await replica.GetAsync($"/v1/users/{user}/recommendations")).GetProperty("strategy").GetString());
    }

    private Task<long> CountAsync(Guid user) =>
        world.Database.ScalarAsync<long>($"select count(*) from user_video_decisions where user_id = '{user}'");

    private sealed class WrongClock(TimeSpan off) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + off;
    }
}
