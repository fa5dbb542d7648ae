using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>Whose fault it is when the edge can't answer: the client's, the release's, the project's. A rollback goes by it.</summary>
public sealed class EdgeFaultTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private static readonly Guid User = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;

    // What is wrong with a release: a file that is JSON and no schema; vectors of another length than its tower's.
    private const string NoSchema = """
        alter table two_tower.release_files disable trigger user;
        update two_tower.release_files set content = convert_to('null', 'utf8'), size = 4, sha256 = encode(sha256(convert_to('null', 'utf8')), 'hex')
        where path = 'feature_schema.json' and release_id = RELEASE;
        """;

    private const string OtherLength = """
        alter table two_tower.releases disable trigger user;
        update two_tower.releases set embedding_dim = embedding_dim + 1 where release_id = RELEASE;
        """;

    [Theory]
    [InlineData(NoSchema)]
    [InlineData(OtherLength)]
    public async Task A_release_that_cannot_answer_is_at_fault_and_an_experiments_leaves_its_users_to_the_active_one(string damage)
    {
        await using var edge = await Edge.StartAsync(server);
        var second = await TestReleases.ReadyAsync(edge.Database, TestCheckpoints.Random(seed: 7), Golden.AsOf.AddDays(1));
        await edge.Database.ExecuteAsync($"select two_tower.start_experiment('taste', '{second.ModelVersion}', 0.999999, null, 'test', null)");
        await edge.Database.ExecuteAsync(damage.Replace("RELEASE", $"{second.Id}", StringComparison.Ordinal));
        Assert.Equal(edge.Version, await VersionAsync(edge));
        await edge.UntilAsync($"count(*) = 1 from two_tower.serving_faults where kind = 'failed' and release_id = {second.Id}");

        await edge.Database.ExecuteAsync(damage.Replace("RELEASE", "1", StringComparison.Ordinal));
        await edge.Database.ExecuteAsync("select two_tower.stop_experiment('taste', 'test', null)");
        if (damage == OtherLength)
        {
            Assert.Equal((503, "urn:twotower:problem:no-usable-release"), await edge.ProblemAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User }));
            await edge.UntilAsync("count(*) = 1 from two_tower.serving_faults where kind = 'failed' and release_id = 1");
        }
        else
        {
            // What was loaded before serves on.
            Assert.Equal(edge.Version, await VersionAsync(edge));
        }
    }

    [Fact]
    public async Task An_experiments_users_are_served_by_its_release()
    {
        await using var edge = await Edge.StartAsync(server);
        var second = await TestReleases.ReadyAsync(edge.Database, TestCheckpoints.Random(seed: 7), Golden.AsOf.AddDays(1));
        await edge.Database.ExecuteAsync($"select two_tower.start_experiment('taste', '{second.ModelVersion}', 0.999999, null, 'test', null)");
        Assert.Equal(second.ModelVersion, await VersionAsync(edge));
        await edge.UntilAsync(
            $"count(*) > 0 from two_tower.impressions i join two_tower.experiments x using (experiment_id) where x.name = 'taste' and i.release_id = {second.Id}");
    }

    [Fact]
    public async Task Tags_are_banned_by_id_where_they_have_ids()
    {
        await using var edge = await Edge.StartAsync(server, hasTagIds: true);
        var tag = await edge.Database.ScalarAsync<Guid>("select id from tags where name = 'drama'");
        var db = edge.Database.DataSource;
        using var service = new RecommendationService(
            db, new TowerCache(new ReleaseStore(db), capacity: 4), Options.Create(new RecommendationOptions()));
        foreach (var user in new[] { User, Guid.NewGuid() })
        {
            var answer = await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user, limit = 10, bannedTagIds = new[] { tag } });
            var expected = await service.RecommendAsync(
                new(user, 10, false, new() { BannedTags = ["drama"] }), answer.GetProperty("asOf").GetDateTimeOffset());
            Assert.NotEmpty(expected.Videos);
            Assert.Equal(expected.Videos.Select(video => video.Video.Id), Ids(answer));
        }
    }

    [Fact]
    public async Task Bans_that_leave_nothing_are_no_fault_of_the_release_and_a_release_without_vectors_is_at_fault()
    {
        await using var edge = await Edge.StartAsync(server, hasTagIds: true);
        var all = (await edge.Database.ListAsync<Guid>("select id from tags")).Take(100).ToArray();
        var untouched = (await edge.Database.ListAsync<Guid>(
            $"select id from videos v where not exists (select from video_tags t where t.video_id = v.id and t.tag_id in ({string.Join(", ", all.Select(id => $"'{id}'"))}))")).ToArray();
        for (var n = 0; n < 5; n++)
        {
            Assert.Empty(Ids(await edge.AskAsync(
                "recommend", SupabaseStandIn.SecretKey, new { user_id = User, bannedTagIds = all, excludeVideoIds = untouched })));
        }

        await edge.UntilAsync("count(*) = 5 from two_tower.impressions where rank = 0");
        Assert.Equal(0L, await edge.Database.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
        Assert.Equal(0m, await edge.Database.ScalarAsync<decimal>("select coalesce(sum(empty), 0)::numeric from two_tower.serving_counts"));

        await edge.Database.ExecuteAsync("delete from two_tower.video_embeddings_1");
        Assert.Empty(Ids(await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User, bannedTagIds = all.Take(1) })));
        await edge.UntilAsync("count(*) = 1 from two_tower.serving_faults where kind = 'empty'");
    }

    [Fact]
    public async Task Tokens_are_verified_by_the_keys_that_the_project_publishes()
    {
        await using var edge = await Edge.StartAsync(server, keys: null);
        var body = new { user_id = User };
        foreach (var away in new[] { (503, "away"), (200, "{"), (200, "{}"), (404, """{"message": "not found"}""") })
        {
            edge.StandIn.Keys = away;
            Assert.Equal((503, "urn:twotower:problem:keys-away"), await edge.ProblemAsync("recommend", edge.Signed(User), body));
        }

        Assert.Contains("public keys can't be used", edge.Log, StringComparison.Ordinal);
        Assert.Equal(200, await edge.StatusAsync("recommend", Edge.Legacy(User), body)); // needs none of them
        Assert.Equal(401, await edge.StatusAsync("recommend", "x", body));

        edge.StandIn.Keys = (200, edge.PublicKeys);
        Assert.Equal(200, await edge.StatusAsync("recommend", edge.Signed(User), body));
        foreach (var wrong in new[] { edge.Signed(User)[..^6] + "AAAAAA", edge.ForgedByPublicKey(User), Edge.Unsigned(User) })
        {
            Assert.Equal(401, await edge.StatusAsync("recommend", wrong, body));
        }
    }

    [Theory]
    [InlineData("{", 503)]
    [InlineData("""{"keys": 1}""", 503)]
    [InlineData("""{"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256"}]}""", 503)]
    [InlineData("""{"keys": []}""", 401)]
    public async Task Public_keys_that_cannot_be_read_are_the_projects_fault(string keys, int status)
    {
        await using var edge = await Edge.StartAsync(server, keys: keys);
        Assert.Equal(status, await edge.StatusAsync("recommend", edge.Signed(User), new { }));
    }

    // Of a text in quotes the values are its letters: none of them is a key.
    [Theory]
    [InlineData("KEY", "KEY")]
    [InlineData("\"KEY\"", "s")]
    [InlineData("[\"KEY\"]", "KEY")]
    [InlineData("{\"default\": null}", "KEY")]
    public async Task Secret_keys_that_cannot_be_read_open_nothing_and_are_not_repeated_in_the_log(string keys, string presented)
    {
        await using var edge = await Edge.StartAsync(server, secretKeys: keys.Replace("KEY", SupabaseStandIn.SecretKey, StringComparison.Ordinal));
        var key = presented.Replace("KEY", SupabaseStandIn.SecretKey, StringComparison.Ordinal);
        Assert.Equal(500, await edge.StatusAsync("recommend", key, new { user_id = User }));
        Assert.Contains("SUPABASE_SECRET_KEYS isn't a JSON object", edge.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("sb_secret_0", edge.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_that_is_not_whole_is_no_fault_of_the_release()
    {
        await using var edge = await Edge.StartAsync(server);
        Assert.Equal(edge.Version, await VersionAsync(edge));
        await edge.Database.ExecuteAsync(
            "alter function two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[]) rename to video_filter_of_tomorrow");
        Assert.NotEqual(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User }));
        Assert.Equal(0L, await edge.Database.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_no_fault_of_the_release()
    {
        await using var edge = await Edge.StartAsync(server);
        Assert.Equal(edge.Version, await VersionAsync(edge));
        await edge.StandIn.DisposeAsync();
        Assert.Equal((503, "urn:twotower:problem:database-away"), await edge.ProblemAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User }));
        Assert.Equal(0L, await edge.Database.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
    }

    private static async Task<string?> VersionAsync(Edge edge) =>
        (await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User })).GetProperty("modelVersion").GetString();

    private static IEnumerable<Guid> Ids(JsonElement answer) =>
        answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid());
}
