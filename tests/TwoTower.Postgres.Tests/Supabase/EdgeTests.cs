using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>
/// The edge functions (supabase/functions) in Deno, over a stand-in of PostgREST and the real database: what they give is what C# gives.
/// </summary>
public sealed class EdgeTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    public static TheoryData<string> Recipes => ["golden", "random", "histories"];

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task Vectors_and_embeddings_are_those_of_the_process(string kind)
    {
        var tools = await Edge.ToolsAsync();
        var checkpoint = Edge.Checkpoint(kind);
        var files = ReleaseFiles.Build(checkpoint, Golden.AsOf);
        var payloads = Golden.UserPayloads.Concat(Enumerable.Range(0, 1_000).Select(MadeUp))
            .Select((payload, i) => kind == "histories" ? payload with { History = History(i) } : payload).ToList();
        var output = await EdgeProcess.RunAsync(tools, "embed.ts", JsonSerializer.Serialize(new
        {
            files = files.ToDictionary(file => file.Path, file => Convert.ToBase64String(file.Content)),
            as_of = "2026-01-20T12:34:56.123456Z",
            payloads = payloads.Select(payload => JsonElement.Parse(payload.ToJson())),
        }));

        var asOf = new DateTimeOffset(2026, 1, 20, 12, 34, 56, TimeSpan.Zero).AddMicroseconds(123_456);
        var encoder = CheckpointFeatures.Of(checkpoint).User;
        using var tower = UserTower.FromFiles(new ReleaseFileSet("test", files));
        for (var i = 0; i < payloads.Count; i++)
        {
            var vector = new float[encoder.Dim];
            encoder.Encode(payloads[i], asOf, vector);
            Close(vector, output.GetProperty("vectors")[i], 1e-6);
            Close(tower.Encode(payloads[i], asOf), output.GetProperty("embeddings")[i], 1e-5);
        }
    }

    [Theory]
    [InlineData("random")]
    [InlineData("histories")]
    public async Task Lists_are_those_of_the_api(string kind)
    {
        await using var edge = await Edge.StartAsync(server, kind);
        using var service = Service(edge.Database);
        foreach (
            var user in Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Take(20).Select(user => user.UserId).Append(
                Guid.NewGuid()))
        {
            var answer = await edge.AskAsync(
                "recommend", SupabaseStandIn.SecretKey,
                new { user_id = user, limit = 10, maxSafetyLevel = 1, bannedTags = new[] { "drama" } });
            var expected = await service.RecommendAsync(
                new(user, 10, false, new() { BannedTags = ["drama"] }), answer.GetProperty("asOf").GetDateTimeOffset());
            Assert.Equal(expected.ModelVersion, answer.GetProperty("modelVersion").GetString());
            Assert.Equal(
                expected.Videos.Select(video => video.Video.Id),
                answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
            foreach (var (video, given) in expected.Videos.Zip(answer.GetProperty("videos").EnumerateArray()))
            {
                Assert.InRange(Math.Abs(video.RankScore - given.GetProperty("rankScore").GetDouble()), 0, 1e-5);
            }
        }

        // One context, one search; the files once.
        Assert.Equal(21, edge.StandIn.Calls["two_tower_request_context"]);
        Assert.Equal((20, 1), (edge.StandIn.Calls["two_tower_search"], edge.StandIn.Calls["two_tower_popular_videos"]));
        Assert.Equal(1, edge.StandIn.Calls["two_tower_release_files"]);
        Assert.DoesNotContain(edge.StandIn.Requests, request => request.Path.StartsWith("/storage/", StringComparison.Ordinal));
        await edge.UntilAsync("count(*) = 21 from two_tower.impressions where rank = 1");
        Assert.Equal(20m, await edge.Database.ScalarAsync<decimal>("select sum(answers) from two_tower.serving_counts"));
    }

    [Fact]
    public async Task A_release_that_is_activated_meanwhile_is_never_mixed_with_the_one_before()
    {
        await using var edge = await Edge.StartAsync(server);
        var second = await TestReleases.ReadyAsync(edge.Database, TestCheckpoints.Random(seed: 7), Golden.AsOf.AddDays(1));
        var store = new ReleaseStore(edge.Database.DataSource);
        var user = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;
        using var service = Service(edge.Database);
        var expected = new Dictionary<string, List<Guid>>();
        string[] versions = [edge.Version, second.ModelVersion];
        foreach (var version in versions)
        {
            await store.ActivateAsync(version, "test", null);
            expected[version] = [.. (await service.RecommendAsync(new(user, 5, false, new()))).Videos.Select(video => video.Video.Id)];
        }

        Assert.NotEqual(expected[versions[0]], expected[versions[1]]);
        // From the second, again and again: forward by an activation, back by a rollback.
        await store.ActivateAsync(versions[0], "test", null);
        var seen = new ConcurrentDictionary<string, int>();
        var asking = Parallel.ForEachAsync(Enumerable.Range(0, 100), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (_, _) =>
        {
            var answer = await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user, limit = 5 });
            var version = answer.GetProperty("modelVersion").GetString()!;
            seen.AddOrUpdate(version, 1, (_, count) => count + 1);
            Assert.Equal(
                expected[version],
                answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
        });
        while (!asking.IsCompleted)
        {
            await store.ActivateAsync(versions[1], "test", null);
            Assert.Equal(versions[0], (await store.RollbackAsync("test", null)).ModelVersion);
        }

        await asking;
        Assert.Equal(versions.Order(), seen.Keys.Order());
    }

    [Fact]
    public async Task The_user_is_the_tokens()
    {
        await using var edge = await Edge.StartAsync(server);
        var (user, other) = (
            Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId, Golden.UserPayloads[0].UserId);
        foreach (var token in new[] { Edge.Legacy(user), edge.Signed(user) })
        {
            var answer = await edge.AskAsync("embed-user", token, new { });
            Assert.Equal(
                (edge.Version, 16), (answer.GetProperty("modelVersion").GetString(), answer.GetProperty("embedding").GetArrayLength()));
            Assert.Equal(403, await edge.StatusAsync("embed-user", token, new { user_id = other }));
            Assert.Equal(200, await edge.StatusAsync("recommend", token, new { user_id = user }));
        }

        // A key of the project's may ask for anybody, and says for whom.
        Assert.Equal(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = other }));
        Assert.Equal(400, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { }));
        Assert.Equal(200, await edge.StatusAsync("recommend", Edge.Legacy(null, role: "service_role"), new { user_id = other }));

        foreach (var wrong in new[]
        {
            null, "x", "sb_publishable_abc", Edge.Legacy(user, secret: "another-secret-of-at-least-32-characters"), Edge.Legacy(
                user, lifetime: TimeSpan.FromMinutes(-1)),
            Edge.Legacy(null, role: "anon"), Edge.Legacy(null), Edge.Legacy(user, role: "admin"), Edge.Unsigned(user), edge.Signed(user)[..^6] + "AAAAAA", edge.ForgedByPublicKey(user),
        })
        {
            Assert.Equal(401, await edge.StatusAsync("recommend", wrong, new { user_id = user }));
        }
    }

    [Fact]
    public async Task A_request_that_makes_no_sense_is_a_problem_that_names_it()
    {
        await using var edge = await Edge.StartAsync(server);
        var token = Edge.Legacy(Golden.UserPayloads[0].UserId);
        foreach (var (body, named) in new[]
        {
            ("""{"limit": 0}""", "limit is 0"), ("""{"limit": "many"}""", "limit is \"many\""), ("""{"limit": 101}""", "limit is 101"), ("""{"limit": 1.5}""", "limit is 1.5"),
            ("""{"maxSafetyLevel": -1}""", "maxSafetyLevel is -1"), ("""{"excludeVideoIds": ["x"]}""", "excludeVideoIds is"), (
                """{"bannedTagIds": "x"}""", "bannedTagIds is"),
            ("""{"allowedRegions": [1]}""", "allowedRegions is"), ("""{"includeSeen": 1}""", "includeSeen is 1"), ("""{"frob": 1}""", "frob isn't known"),
            ("""{"user_id": "me"}""", "user_id is \"me\""), ("[]", "isn't an object"), ("{", "isn't JSON"), ("null", "isn't an object"),
            ("""{"bannedTagIds": ["00000000-0000-4000-8000-000000000001"]}""", "p_banned_tag_ids cannot be used"),
        })
        {
            using var response = await edge.SendAsync(HttpMethod.Post, "recommend", token, body);
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal((400, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType!.MediaType));
            Assert.Contains(named, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal("*", Assert.Single(response.Headers.GetValues("access-control-allow-origin")));
        }

        using var options = await edge.SendAsync(HttpMethod.Options, "recommend", null, null);
        Assert.Equal(HttpStatusCode.NoContent, options.StatusCode);
        Assert.Contains(
            "authorization", Assert.Single(options.Headers.GetValues("access-control-allow-headers")), StringComparison.Ordinal);
        using var get = await edge.SendAsync(HttpMethod.Get, "recommend", token, null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        using var large = await edge.SendAsync(
            HttpMethod.Post, "recommend", token, $$"""{"bannedTags": ["{{new string('x', 300_000)}}"]}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Fact]
    public async Task Without_a_usable_release_it_says_so_and_a_user_without_likes_has_no_embedding()
    {
        await using var edge = await Edge.StartAsync(server);
        var user = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;
        Assert.Equal(404, await edge.StatusAsync("embed-user", SupabaseStandIn.SecretKey, new { user_id = Guid.NewGuid() }));
        // As if the files were another model's: the hash tells.
        await edge.Database.ExecuteAsync("""
            alter table two_tower.release_files disable trigger user;
            update two_tower.release_files set content = decode('00', 'hex'), size = 1, sha256 = encode(sha256(decode('00', 'hex')), 'hex') where path = 'user_tower.onnx';
            """);
        Assert.Equal(503, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user }));
        await edge.UntilAsync("count(*) = 1 from two_tower.serving_faults where kind = 'failed'");
        Assert.Equal(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = Guid.NewGuid() }));
    }

    private static UserPayload MadeUp(int seed)
    {
        var random = new Random(seed);
        var (likes, nopes) = (random.Next(0, 40), random.Next(0, 40));
        string[] tags = ["drama", "コメディ", "space opera", "ホラー", "tag-00", "tag-01", "unknown", "𝒳"], performers = ["佐藤 花子", "Ana Pérez", "performer 01", "nobody"];
        var created = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(random.NextDouble() * 2e8);
        return new(
            Guid.NewGuid(), new(random.Next(10) == 0 ? null : created),
            new(
                likes, nopes, likes + nopes, likes == 0 ? null : created.AddDays(random.NextDouble() * 400),
                likes == 0 ? 12 : random.NextDouble() * 23),
            new(random.NextDouble() * 5_000, random.NextDouble() * 5_000),
            [.. Enumerable.Range(0, likes).Select(_ => tags[random.Next(tags.Length)])], [.. Enumerable.Range(0, likes).Select(
                _ => performers[random.Next(performers.Length)])]);
    }

    private static PooledHistory History(int seed)
    {
        var random = new Random(seed);
        float[] Sum() => random.Next(5) == 0 ? [] : [.. Enumerable.Range(0, 6).Select(_ => (float)(random.NextDouble() * 20 - 10))];
        return new(random.Next(30), random.Next(30), Sum(), Sum());
    }

    private static void Close(float[] expected, JsonElement actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.GetArrayLength());
        for (var i = 0; i < expected.Length; i++) Assert.InRange(
            Math.Abs(expected[i] - actual[i].GetDouble()), 0, tolerance * Math.Max(1, Math.Abs(expected[i])));
    }

    private static RecommendationService Service(TestDatabase db)
    {
        var options = Options.Create(new RecommendationOptions());
        return new(db.DataSource, new TowerCache(new ReleaseStore(db.DataSource), capacity: 4), options);
    }
}
