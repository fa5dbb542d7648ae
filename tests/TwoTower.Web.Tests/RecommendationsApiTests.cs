using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

public sealed class RecommendationsApiTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    [Fact]
    public async Task A_viewer_with_likes_gets_videos_scored_by_the_active_release_as_recomputed_here()
    {
        var answer = await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=10");

        Assert.Equal("two_tower", answer.GetProperty("strategy").GetString());
        Assert.Equal(world.Release.ModelVersion, answer.GetProperty("modelVersion").GetString());
        var asOf = answer.GetProperty("asOf").GetDateTimeOffset();
        Assert.True(asOf > Golden.AsOf);

        var files = await new ReleaseStore(world.Database.DataSource).OpenAsync(world.Release.ModelVersion);
        using var users = UserTower.FromFiles(files);
        using var items = ItemTower.FromFiles(files);
        var user = users.Encode(await PayloadAsync(ApiWorld.Viewer, asOf), asOf);
        var seen = await SeenAsync(ApiWorld.Viewer);
        var expected = Golden.ItemPayloads
            .Where(item => !seen.Contains(item.VideoId))
            .Select(item =>
            {
                var embedding = new float[items.EmbeddingDim];
                items.Encode([item], embedding);
                var score = embedding.Zip(user, (a, b) => (double)a * b).Sum();
                return (item.VideoId, Score: score, Rank: ReRanker.Score(score, item.ProductReleasedAt, (decimal?)item.Price, asOf));
            })
            .OrderByDescending(video => video.Rank)
            .Take(10)
            .ToList();

        Assert.Equal(expected.Select(video => video.VideoId), ApiWorld.Ids(answer));
        foreach (var (video, (_, score, rank)) in answer.GetProperty("videos").EnumerateArray().Zip(expected))
        {
            Assert.Equal(score, video.GetProperty("score").GetDouble(), tolerance: 1e-5);
            Assert.Equal(1 / (1 + Math.Exp(-score)), video.GetProperty("probability").GetDouble(), tolerance: 1e-5);
            Assert.Equal(rank, video.GetProperty("rankScore").GetDouble(), tolerance: 1e-5);
        }

        Assert.Equal(Enumerable.Range(1, 10), answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("rank").GetInt32()));
    }

    [Fact]
    public async Task The_reasons_are_what_a_video_shares_with_the_likes_with_how_many()
    {
        var answer = await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=20");
        var payload = Golden.UserPayloads.Single(user => user.UserId == ApiWorld.Viewer);
        var reasons = answer.GetProperty("videos").EnumerateArray().SelectMany(video => video.GetProperty("reasons").EnumerateArray()
            .Select(reason => (Video: video, Kind: reason.GetProperty("kind").GetString(), Name: reason.GetProperty("name").GetString()!,
                Likes: reason.GetProperty("likes").GetInt32()))).ToList();
        Assert.NotEmpty(reasons);
        Assert.All(reasons, reason =>
        {
            var (list, liked) = reason.Kind == "tag" ? ("tags", payload.Tags) : ("performers", payload.Performers);
            Assert.Contains(reason.Name, reason.Video.GetProperty(list).EnumerateArray().Select(name => name.GetString()));
            Assert.Equal(liked.Count(name => name == reason.Name), reason.Likes);
        });
    }

    [Fact]
    public async Task What_the_viewer_has_decided_on_is_left_out_unless_asked_for()
    {
        var seen = await SeenAsync(ApiWorld.Viewer);
        Assert.Empty(ApiWorld.Ids(await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=100")).Intersect(seen));
        Assert.NotEmpty(ApiWorld.Ids(await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=100&includeSeen=true")).Intersect(seen));
    }

    [Fact]
    public async Task The_limit_is_20_unless_said()
    {
        Assert.Equal(20, ApiWorld.Ids(await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations")).Count);
        Assert.Single(ApiWorld.Ids(await world.Api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations?limit=1")));
    }

    [Theory]
    [InlineData("users/{0}/recommendations")]
    [InlineData("users/00000000-0000-0000-0000-00000000beef/recommendations")]
    [InlineData("videos/{1}/similar")]
    public async Task Filters_hold_for_every_list(string path)
    {
        path = "/v1/" + string.Format(null, path, ApiWorld.Viewer, Golden.ItemPayloads[3].VideoId) + "?limit=100";
        var all = await world.Api.GetAsync(path);
        var (first, second) = (ApiWorld.Ids(all)[0], ApiWorld.Ids(all)[1]);

        var without = ApiWorld.Ids(await world.Api.GetAsync($"{path}&excludeVideoIds={first}&excludeVideoIds={second}"));
        Assert.DoesNotContain(first, without);
        Assert.DoesNotContain(second, without);

        var answer = await world.Api.GetAsync(path + "&bannedTags=drama&bannedTags=tag-01");
        Assert.NotEmpty(ApiWorld.Ids(answer));
        Assert.All(answer.GetProperty("videos").EnumerateArray(), video =>
            Assert.Empty(video.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()).Intersect(["drama", "tag-01"])));
    }

    [Fact]
    public async Task A_viewer_without_likes_known_or_unknown_gets_popular_and_fresh_videos_and_is_told()
    {
        var withNopesOnly = new Guid("00000000-0000-0000-0000-0000000000bb");
        await world.Database.ExecuteAsync(
            $"insert into user_video_decisions (user_id, video_id, decision_type) select '{withNopesOnly}', id, 'nope' from videos order by id limit 2 on conflict do nothing");
        foreach (var user in new[] { ApiWorld.Stranger, withNopesOnly })
        {
            var answer = await world.Api.GetAsync($"/v1/users/{user}/recommendations?limit=15");
            Assert.Equal("popular_and_fresh", answer.GetProperty("strategy").GetString());
            Assert.Equal(System.Text.Json.JsonValueKind.Null, answer.GetProperty("modelVersion").ValueKind);
            Assert.Equal(15, ApiWorld.Ids(answer).Count);
            Assert.Empty(ApiWorld.Ids(answer).Intersect(await SeenAsync(user)));
            var ranks = answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("rankScore").GetDouble()).ToList();
            Assert.Equal(ranks.OrderDescending(), ranks);
        }
    }

    [Fact]
    public async Task Similar_videos_come_nearest_first_without_the_video_itself()
    {
        var video = Golden.ItemPayloads[5].VideoId;
        var answer = await world.Api.GetAsync($"/v1/videos/{video}/similar?limit=7");
        Assert.Equal("similar", answer.GetProperty("strategy").GetString());
        Assert.Equal(world.Release.ModelVersion, answer.GetProperty("modelVersion").GetString());
        var expected = await world.Database.ListAsync<Guid>($"""
            select e.video_id from {world.Release.Table} e
            where e.video_id <> '{video}' order by (e.embedding <=> (select embedding from {world.Release.Table} where video_id = '{video}')) + 0 limit 7
            """);
        Assert.Equal(expected, ApiWorld.Ids(answer));
    }

    [Theory]
    [InlineData("/v1/users/me/recommendations", "userId 'me' isn't a UUID")]
    [InlineData("/v1/videos/17/similar", "videoId '17' isn't a UUID")]
    [InlineData("/v1/users/00000000-0000-0000-0000-00000000beef/recommendations?limit=many", "limit 'many' isn't a whole number")]
    [InlineData("/v1/users/00000000-0000-0000-0000-00000000beef/recommendations?includeSeen=perhaps", "isn't true or false")]
    [InlineData("/v1/users/00000000-0000-0000-0000-00000000beef/recommendations?excludeVideoIds=x", "'x' isn't a UUID")]
    public async Task A_value_that_cannot_be_read_is_named(string path, string detail) =>
        Assert.Contains(detail, (await world.Api.GetAsync(path, 400)).GetProperty("detail").GetString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("maxSafetyLevel=-1", "maxSafetyLevel")]
    public async Task A_value_out_of_range_is_named_with_the_range(string query, string name)
    {
        var problem = await world.Api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations?{query}", 400);
        var errors = problem.GetProperty("errors").EnumerateObject().Single();
        Assert.Equal(name, errors.Name);
        Assert.Contains("between", errors.Value[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_video_an_unknown_path_and_another_method_are_problems_too()
    {
        var problem = await world.Api.GetAsync($"/v1/videos/{ApiWorld.Stranger}/similar", 404);
        Assert.Contains(ApiWorld.Stranger.ToString(), problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await world.Api.GetAsync("/v1/nothing", 404);
        await world.Api.GetAsync("/v1/decisions", 405);
    }

    [Fact]
    public async Task A_configured_moment_is_answered_as_of_then_and_what_was_decided_later_still_isnt_shown()
    {
        var asOf = Golden.AsOf.AddDays(-30);
        await using var then = await ApiHost.StartAsync(world.Database, new()
        {
            ["TwoTower:Recommendation:AsOf"] = $"{asOf:O}",
            ["TwoTower:Recommendation:ReRank"] = "false",
        });
        var viewer = await world.Database.ScalarAsync<Guid>(
            $"""
            select user_id from user_video_decisions where decision_type = 'like'
            group by user_id having min(created_at) < '{asOf:O}' and max(created_at) > '{asOf:O}' order by count(*) desc limit 1
            """);

        var answer = await then.GetAsync($"/v1/users/{viewer}/recommendations?limit=10");

        Assert.Equal(asOf, answer.GetProperty("asOf").GetDateTimeOffset());
        Assert.Empty(ApiWorld.Ids(answer).Intersect(await SeenAsync(viewer)));
        var files = await new ReleaseStore(world.Database.DataSource).OpenAsync(world.Release.ModelVersion);
        using var users = UserTower.FromFiles(files);
        using var items = ItemTower.FromFiles(files);
        var user = users.Encode(await PayloadAsync(viewer, asOf), asOf);
        foreach (var video in answer.GetProperty("videos").EnumerateArray())
        {
            var embedding = new float[items.EmbeddingDim];
            items.Encode([Golden.ItemPayloads.Single(item => item.VideoId == video.GetProperty("videoId").GetGuid())], embedding);
            Assert.Equal(embedding.Zip(user, (a, b) => (double)a * b).Sum(), video.GetProperty("score").GetDouble(), tolerance: 1e-5);
        }
    }

    private async Task<UserPayload> PayloadAsync(Guid user, DateTimeOffset asOf) =>
        UserPayload.Parse(await world.Database.ScalarAsync<string>($"select payload::text from two_tower.user_payloads(array['{user}']::uuid[], '{asOf:O}')"));

    private Task<IReadOnlyList<Guid>> SeenAsync(Guid user) =>
        world.Database.ListAsync<Guid>($"select distinct video_id from user_video_decisions where user_id = '{user}'");
}
