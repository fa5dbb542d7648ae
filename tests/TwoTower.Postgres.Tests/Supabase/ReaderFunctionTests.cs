using System.Text.Json;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>
/// The public functions that a reader outside of this program recommends by (contract, section 9), called as service_role.
/// </summary>
public class ReaderFunctionTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private const string Active = "select two_tower_active_release()::text";

    [Fact]
    public async Task A_reader_learns_which_release_is_active_and_which_the_public_table_holds()
    {
        await using var db = await GoldenAsync();
        var none = await JsonAsync(db, Active);
        Assert.Equal(JsonValueKind.Null, none.GetProperty("model_version").ValueKind);
        Assert.Equal(JsonValueKind.Null, none.GetProperty("public_table_model_version").ValueKind);

        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Golden());
        var active = await JsonAsync(db, Active);
        Assert.Equal(release.ModelVersion, active.GetProperty("model_version").GetString());
        Assert.Equal(256, active.GetProperty("embedding_dim").GetInt32());
        // The pointer moved, the table not yet.
        Assert.Equal(JsonValueKind.Null, active.GetProperty("public_table_model_version").ValueKind);
        foreach (var role in new[] { "anon", "authenticated" }) Assert.Equal("42501", await db.TryAsync(role, Guid.NewGuid(), Active));
    }

    [Fact]
    public async Task A_context_has_the_release_the_moment_and_the_payload_of_both()
    {
        await using var db = await GoldenAsync();
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)]));
        await db.ExecuteAsync($"alter table {release.Table} add history extensions.vector(12)");
        await db.ExecuteAsync($"update {release.Table} set history = array_fill(0.5, array[12])::real[]::extensions.vector");
        var user = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;

        var context = await JsonAsync(db, $"select two_tower_request_context('{user}')::text");
        Assert.Equal(release.ModelVersion, context.GetProperty("model_version").GetString());
        var payload = context.GetProperty("payload");
        Assert.Equal(context.GetProperty("as_of").GetString(), payload.GetProperty("as_of").GetString());
        Assert.True(payload.GetProperty("history").GetProperty("likes").GetInt32() > 0);
        Assert.Equal(6, payload.GetProperty("history").GetProperty("liked").GetArrayLength());
        Assert.Equal(
            await db.ScalarAsync<string>(
                $"select get_user_embedding_features('{user}', '{payload.GetProperty("as_of").GetString()}', '{release.ModelVersion}')::text"),
            await db.ScalarAsync<string>(
                $"select (two_tower_request_context('{user}') -> 'payload' || jsonb_build_object('as_of', '{payload.GetProperty("as_of").GetString()}'))::text"));
        Assert.True(context.GetProperty("taste").GetProperty("tags").EnumerateObject().Any());

        // Nobody needs the features of a user without likes.
        var stranger = await JsonAsync(db, $"select two_tower_request_context('{Guid.NewGuid()}')::text");
        Assert.Equal((0, JsonValueKind.Null), (stranger.GetProperty("like_count").GetInt32(), stranger.GetProperty("payload").ValueKind));
    }

    [Fact]
    public async Task A_search_is_by_release_and_has_what_a_list_needs()
    {
        await using var db = await GoldenAsync();
        var first = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(16, seed: 1));
        var second = await TestReleases.ReadyAsync(
            db, TestCheckpoints.Random(16, seed: 2), new DateTimeOffset(2026, 1, 21, 0, 0, 0, TimeSpan.Zero));
        foreach (var release in new[] { first, second })
        {
            var vector = await db.ScalarAsync<string>(
                $"select translate(embedding::text, '[]', '{{}}') from {release.Table} order by video_id limit 1");
            Assert.Equal(
                await db.ListAsync<string>(
                    $"select format('%s %s %s %s %s', video_id, value, price, released_at, title) from two_tower.nearest_videos('{vector}', "
                        + $"20, 1, null, null, '{{drama}}', '{release.ModelVersion}', null)"),
                (
                    await db.AsAsync(
                        "service_role", null,
                        $"select format('%s %s %s %s %s', video_id, similarity, price, released_at, title) from "
                            + $"two_tower_search('{release.ModelVersion}', '{vector}', 20, p_banned_tags => '{{drama}}')")).Cast<string>());
        }

        Assert.Equal("22023", await db.TryAsync("service_role", null, "select * from two_tower_search(null, '{1}')"));
        Assert.Equal("TT201", await db.TryAsync("service_role", null, "select * from two_tower_search('gone', '{1}')"));
        Assert.Equal("42501", await db.TryAsync("anon", null, $"select * from two_tower_search('{first.ModelVersion}', '{{1}}')"));

        await db.ExecuteAsync("select two_tower.refresh_video_statistics()");
        Assert.Equal(
            await db.ListAsync<Guid>("select video_id from two_tower.popular_videos(10, now(), 1, null, null, null, null)"),
            (await db.AsAsync("service_role", null, "select video_id from two_tower_popular_videos(10)")).Cast<Guid>());
    }

    [Fact]
    public async Task Vectors_that_are_dropped_during_a_search_are_a_release_that_is_gone()
    {
        await using var db = await GoldenAsync();
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(16, seed: 1));
        var vector = await db.ScalarAsync<string>($"select translate(embedding::text, '[]', '{{}}') from {release.Table} limit 1");
        await using var holder = await db.DataSource.OpenConnectionAsync();
        await using var held = await holder.BeginTransactionAsync();
        await using (var drop = new Npgsql.NpgsqlCommand($"drop table {release.Table}", holder, held)) await drop.ExecuteNonQueryAsync();
        var searching = db.TryAsync("service_role", null, $"select * from two_tower_search('{release.ModelVersion}', '{vector}', 20)");
        while (await db.ScalarAsync<long>("select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())") == 0)
        {
            Assert.False(searching.IsCompleted);
            await Task.Delay(10);
        }

        await held.CommitAsync();
        Assert.Equal("TT201", await searching);
        Assert.Equal("TT201", await db.TryAsync("service_role", null, $"select * from two_tower_search('{release.ModelVersion}', '{vector}', 20)"));
    }

    [Fact]
    public async Task What_a_reader_served_counts_as_what_the_api_served()
    {
        await using var db = await GoldenAsync();
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        var (user, video) = (Golden.UserPayloads[0].UserId, Golden.Tables.Videos[0].Id);
        var hidden = string.Join(',', Golden.Tables.Videos.Select(v => $"\"{v.Id}\""));
        var rows = await db.AsAsync("service_role", null, $$$"""
            select two_tower_record_serving('[
              {"user_id": "{{{user}}}", "model_version": "{{{release.ModelVersion}}}", "strategy": "two_tower", "video_ids": ["{{{video}}}", "{{{Golden.Tables.Videos[1].Id}}}"]},
              {"user_id": "{{{user}}}", "strategy": "popular_and_fresh", "video_ids": ["{{{video}}}"]},
              {"user_id": "{{{user}}}", "model_version": "{{{release.ModelVersion}}}", "strategy": "two_tower", "video_ids": []},
              {"user_id": "{{{user}}}", "model_version": "{{{release.ModelVersion}}}", "strategy": "two_tower", "filters": {"exclude_video_ids": [{{{hidden}}}]}},
              {"user_id": "{{{user}}}", "model_version": "{{{release.ModelVersion}}}", "strategy": "two_tower", "failed": true}]', 1)
            """);
        Assert.Equal(5L, Assert.Single(rows));
        Assert.Equal(
            ["0 two_tower", "0 two_tower", "1 popular_and_fresh", "1 two_tower", "2 two_tower"],
            await db.ListAsync<string>(
                "select rank || ' ' || strategy from two_tower.impressions order by (rank || ' ' || strategy) collate \"C\""));
        // An empty answer that no release could have filled counts for nothing.
        Assert.Equal(
            "2 1 1",
            await db.ScalarAsync<string>("select concat_ws(' ', sum(answers), sum(empty), sum(failed)) from two_tower.serving_counts"));
        Assert.Equal(["empty", "failed"], await db.ListAsync<string>("select kind from two_tower.serving_faults order by 1"));

        Assert.Equal(
            [0L],
            await db.AsAsync(
                "service_role", null,
                $$"""select two_tower_record_serving('[{"user_id": "{{user}}", "strategy": "similar", "video_ids": ["{{video}}"]}]', 0)"""));
        foreach (var wrong in new[] { "{}", "null", """[{"strategy": "two_tower"}]""", $$"""[{"user_id": "{{user}}"}]""" })
        {
            Assert.Equal("22023", await db.TryAsync("service_role", null, $"select two_tower_record_serving('{wrong}')"));
        }

        Assert.Equal("42501", await db.TryAsync("authenticated", user, "select two_tower_record_serving('[]')"));
    }

    [Fact]
    public async Task An_empty_answer_counts_by_the_filters_that_it_was_given_under()
    {
        await using var db = await GoldenAsync(hasTagIds: true);
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await db.ExecuteAsync("delete from videos v where not exists (select from video_tags t where t.video_id = v.id)");
        var all = string.Join(", ", (await db.ListAsync<Guid>("select id from tags")).Select(id => $"\"{id}\""));
        foreach (var (bans, counted) in new[] { ($"[{all}]", false), ($"[{all.Split(", ")[0]}]", true), ("[]", true), ("null", true) })
        {
            await db.ExecuteAsync("truncate two_tower.serving_counts, two_tower.serving_faults");
            await db.AsAsync("service_role", null, $$$"""
                select two_tower_record_serving('[{"user_id": "{{{Guid.NewGuid()}}}", "model_version": "{{{release.ModelVersion}}}", "strategy": "two_tower", "video_ids": [],
                  "filters": {"max_safety_level": 32767, "banned_tag_ids": {{{bans}}} } }]')
                """);
            Assert.Equal(counted ? 1L : 0L, await db.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
            Assert.Equal(counted ? 1L : 0L, await db.ScalarAsync<long>("select coalesce(sum(empty), 0)::int8 from two_tower.serving_counts"));
        }
    }

    private async Task<TestDatabase> GoldenAsync(bool hasTagIds = false)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var db = await server.CreateProjectAsync(new(false, true));
        if (hasTagIds) await db.ExecuteAsync(TestReleases.TagTables);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        if (hasTagIds) await db.ExecuteAsync("grant select on tags, video_tags to service_role");
        await TestReleases.LoadGoldenAsync(db, hasTagIds);
        return db;
    }

    private static async Task<JsonElement> JsonAsync(TestDatabase db, string sql) =>
        JsonElement.Parse((string)Assert.Single(await db.AsAsync("service_role", null, sql)));
}
