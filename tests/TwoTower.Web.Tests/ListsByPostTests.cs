using System.Net;
using System.Text;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>
/// The lists with their filters in a body: the same answers and refusals as by URL, and room for what no URL has room for.
/// </summary>
public sealed class ListsByPostTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private static readonly string ForUser = $"/v1/users/{ApiWorld.Viewer}/recommendations";
    private static readonly string ForStranger = $"/v1/users/{ApiWorld.Stranger}/recommendations";
    private static readonly string ForVideo = $"/v1/videos/{Golden.ItemPayloads[3].VideoId}/similar";

    public static TheoryData<string> Lists => [ForUser, ForStranger, ForVideo];

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task The_filters_in_a_body_give_the_answer_of_the_same_filters_in_a_query(string path)
    {
        var first = ApiWorld.Ids(await world.Api.GetAsync(path))[0];
        foreach (var (query, body) in new[]
        {
            ("", "{}"),
            ("?limit=7&maxSafetyLevel=2", """{"limit": 7, "maxSafetyLevel": 2}"""),
            ("?regions=JP&regions=US&limit=30", """{"regions": ["JP", "US"], "limit": 30}"""),
            ("?bannedTags=drama&bannedTags=tag-01", """{"bannedTags": ["drama", "tag-01"]}"""),
            ($"?excludeVideoIds={first}&excludeVideoIds={ApiWorld.Stranger}",
            $$"""{"excludeVideoIds": ["{{first}}", "{{ApiWorld.Stranger}}"]}"""),
            ("", """{"regions": null, "bannedTags": [], "limit": null}"""),
        })
        {
            var (byGet, byPost) = (await world.Api.GetAsync(path + query), await PostAsync(path, body));
            Assert.Equal(ApiWorld.Ids(byGet), ApiWorld.Ids(byPost));
            Assert.Equal(byGet.GetProperty("strategy").GetString(), byPost.GetProperty("strategy").GetString());
        }
    }

    [Fact]
    public async Task What_a_user_has_seen_is_asked_for_in_a_body_too()
    {
        var seen = await world.Database.ListAsync<Guid>($"select video_id from user_video_decisions where user_id = '{ApiWorld.Viewer}'");
        Assert.Empty(ApiWorld.Ids(await PostAsync(ForUser, """{"limit": 100}""")).Intersect(seen));
        Assert.NotEmpty(ApiWorld.Ids(await PostAsync(ForUser, """{"limit": 100, "includeSeen": true}""")).Intersect(seen));
        await PostAsync(ForVideo, """{"includeSeen": true}""", 400);
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_thousand_ids_and_a_hundred_long_names_fit(string path)
    {
        var shown = ApiWorld.Ids(await PostAsync(path, """{"limit": 100}"""));
        var ids = shown.Take(5).Concat(Enumerable.Range(0, 995).Select(number => new Guid(number, 7, 7, new byte[8]))).ToList();
        var names = Enumerable.Range(0, 100).Select(number => $"{number} {new string('x', 110)}").ToList();
        var answer = await PostAsync(path,
            JsonSerializer.Serialize(new { limit = 100, excludeVideoIds = ids, bannedTags = names, regions = names }));
        Assert.Empty(ApiWorld.Ids(answer).Intersect(shown.Take(5)));

        var refused = await PostAsync(path, JsonSerializer.Serialize(new { excludeVideoIds = ids.Append(Guid.NewGuid()) }), 400);
        Assert.Equal("excludeVideoIds", refused.GetProperty("errors").EnumerateObject().Single().Name);
        Assert.Contains("64 KB", (await PostAsync(path, new string(' ', 66_000) + "{}", 413)).GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_body_is_held_to_what_a_query_is_held_to(string path)
    {
        foreach (var (body, name) in new[]
        {
            ("""{"limit": 0}""", "limit"), ("""{"limit": 101}""", "limit"), ("""{"maxSafetyLevel": -1}""", "maxSafetyLevel"),
            ("""{"regions": [null]}""", "regions"), ("""{"bannedTags": ["a", null]}""", "bannedTags"),
            (JsonSerializer.Serialize(new { bannedTags = new string('x', 101).Select(c => c.ToString()) }), "bannedTags"),
        })
        {
            var problem = await PostAsync(path, body, 400);
            Assert.Equal(name, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
        }

        foreach (var (body, detail) in new[]
        {
            ("""{"region": ["JP"]}""", "There is no field 'region' here"), ("""{"limit": "7"}""", "limit isn't a whole number"),
            ("""{"limit": 1e99}""", "limit"), ("""{"excludeVideoIds": ["x"]}""", "excludeVideoIds[0]"),
            ("""{"excludeVideoIds": [null]}""", "excludeVideoIds[0]"),
            ("""{"regions": ["a\u0000b"]}""", "control character"), ("""{"regions": "JP"}""", "regions"), ("[]", "isn't"),
            ("null, 1", "isn't"),
        })
        {
            var problem = await PostAsync(path, body, 400);
            Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain("System.", problem.GetRawText(), StringComparison.Ordinal);
            Assert.DoesNotContain("TwoTower.", problem.GetRawText(), StringComparison.Ordinal);
        }

        await PostAsync(path + "?limit=3", "{}", 400);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType,
            (await world.Api.Client.PostAsync(path, new StringContent("{}", Encoding.UTF8, "text/plain"))).StatusCode);
    }

    [Fact]
    public async Task Without_a_body_the_defaults_hold()
    {
        foreach (var path in new[] { ForUser, ForVideo })
        {
            var answer = await ApiHost.ReadAsync(await world.Api.Client.PostAsync(path, null), 200);
            Assert.Equal(ApiWorld.Ids(await world.Api.GetAsync(path)), ApiWorld.Ids(answer));
        }
    }

    private async Task<JsonElement> PostAsync(string path, string body, int status = 200) =>
        await ApiHost.ReadAsync(await world.Api.Client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json")), status);
}
