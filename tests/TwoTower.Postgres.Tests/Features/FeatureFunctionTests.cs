using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Features;

/// <summary>The SQL functions of the contract, section 2, against the golden payloads.</summary>
public sealed class FeatureFunctionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await new TableWriter(_db.DataSource).WriteAsync(Golden.Tables, null, default);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task Every_golden_user_has_the_golden_payload()
    {
        foreach (var expected in Golden.UserPayloads)
        {
            var json = await _db.ScalarAsync<string>($"select get_user_embedding_features('{expected.UserId}')::text");
            PayloadAssert.Equal(expected, UserPayload.Parse(json));
        }
    }

    [Fact]
    public async Task Every_golden_video_has_the_golden_payload()
    {
        foreach (var expected in Golden.ItemPayloads)
        {
            var json = await _db.ScalarAsync<string>($"select get_item_embedding_features('{expected.VideoId}')::text");
            PayloadAssert.Equal(expected, ItemPayload.Parse(json));
        }
    }

    [Fact]
    public async Task The_JSON_has_exactly_the_contracts_keys()
    {
        Assert.Equal(
            ["decision_stats", "performers", "price_stats", "profile", "tags", "user_id"],
            await KeysAsync("get_user_embedding_features(gen_random_uuid())"));
        Assert.Equal(
            ["average_like_hour", "decision_count", "like_count", "nope_count", "recent_like_at"],
            await KeysAsync("get_user_embedding_features(gen_random_uuid())->'decision_stats'"));
        Assert.Equal(
            ["distribution_started_at", "duration_seconds", "performers", "price", "product_released_at", "region_codes", "safety_level", "tags", "video_id"],
            await KeysAsync($"get_item_embedding_features('{Golden.ItemPayloads[0].VideoId}')"));
    }

    [Fact]
    public async Task Someone_unknown_has_an_empty_history_and_an_unknown_video_no_payload()
    {
        var json = await _db.ScalarAsync<string>("select get_user_embedding_features('00000000-0000-0000-0000-000000000001')::text");
        PayloadAssert.Equal(
            new(Guid.Parse("00000000-0000-0000-0000-000000000001"), new(null), new(0, 0, 0, null, 12.0), new(0, 0), [], []),
            UserPayload.Parse(json));
        Assert.True(await _db.ScalarAsync<bool>("select get_item_embedding_features('00000000-0000-0000-0000-000000000001') is null"));
    }

    [Fact]
    public async Task Batches_are_the_single_payloads_ordered_by_id()
    {
        var users = await _db.ListAsync<string>("select payload::text from get_user_embedding_feature_batch(1000, 0)");
        var deciders =
            Golden.UserPayloads.Where(user => user.DecisionStats.DecisionCount > 0).OrderBy(
                user => user.UserId.ToString(), StringComparer.Ordinal);
        foreach (var (expected, actual) in deciders.Zip(users, (e, a) => (e, a))) PayloadAssert.Equal(expected, UserPayload.Parse(actual));
        Assert.Equal(deciders.Count(), users.Count);

        var items = await _db.ListAsync<string>("select payload::text from get_item_embedding_feature_batch(1000)");
        var videos = Golden.ItemPayloads.OrderBy(item => item.VideoId.ToString(), StringComparer.Ordinal).ToList();
        Assert.Equal(videos.Count, items.Count);
        for (var i = 0; i < videos.Count; i++) PayloadAssert.Equal(videos[i], ItemPayload.Parse(items[i]));
    }

    [Fact]
    public async Task Pages_are_clamped_and_follow_each_other()
    {
        async Task<IReadOnlyList<Guid>> Ids(string call) => await _db.ListAsync<Guid>($"select video_id from get_item_embedding_feature_batch({call})");
        Assert.Equal(100, (await Ids("")).Count);
        Assert.Single(await Ids("0"));
        Assert.Single(await Ids("-5, -5"));
        Assert.Equal(140, (await Ids("100000")).Count);
        Assert.Equal(await Ids("1000"), [.. await Ids("90, 0"), .. await Ids("90, 90")]);
        Assert.Equal(80, (await _db.ListAsync<Guid>("select user_id from get_user_embedding_feature_batch(1000)")).Count);
        Assert.Equal(100, (await _db.ListAsync<Guid>("select video_id from get_item_embedding_feature_batch(null, null)")).Count);
    }

    [Fact]
    public async Task Hidden_videos_are_in_no_batch_but_have_a_payload()
    {
        var id = Golden.ItemPayloads[0].VideoId;
        await _db.ExecuteAsync($"update videos set is_active = false where id = '{id}'");
        Assert.DoesNotContain(id, await _db.ListAsync<Guid>("select video_id from get_item_embedding_feature_batch(1000)"));
        Assert.False(await _db.ScalarAsync<bool>($"select get_item_embedding_features('{id}') is null"));
    }

    [Theory]
    [InlineData("Asia/Tokyo")]
    [InlineData("America/New_York")]
    [InlineData("Europe/Berlin")]
    public async Task The_sessions_time_zone_changes_nothing(string zone)
    {
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        async Task<string?> All()
        {
            await using var command = new NpgsqlCommand(
                "select md5(string_agg(payload::text, '|' order by user_id)) from get_user_embedding_feature_batch(1000)", connection);
            return (string?)await command.ExecuteScalarAsync();
        }

        var utc = await All();
        await using (var set = new NpgsqlCommand($"set time zone '{zone}'", connection)) await set.ExecuteNonQueryAsync();
        Assert.Equal(utc, await All());
    }

    [Fact]
    public async Task As_of_leaves_out_later_decisions_in_every_form()
    {
        var asOf = new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
        var expected = PayloadBuilder.BuildUsers(Golden.Tables, asOf).ToDictionary(user => user.UserId);
        Assert.Contains(expected.Values, user => user.DecisionStats.LikeCount > 0);

        var batch = await _db.ListAsync<string>("select payload::text from get_user_embedding_feature_batch(1000, 0, '2025-06-01T21:00:00+09:00')");
        Assert.Equal(expected.Values.Count(user => user.DecisionStats.DecisionCount > 0), batch.Count);
        foreach (var json in batch)
        {
            var actual = UserPayload.Parse(json);
            PayloadAssert.Equal(expected[actual.UserId], actual);
            PayloadAssert.Equal(
                actual,
                UserPayload.Parse(await _db.ScalarAsync<string>($"select get_user_embedding_features('{actual.UserId}', '2025-06-01T12:00:00Z')::text")));
        }

        // A video's features don't depend on time; the forms are there for callers that pass one everywhere.
        var id = Golden.ItemPayloads[0].VideoId;
        Assert.True(await _db.ScalarAsync<bool>($"select get_item_embedding_features('{id}', '2025-06-01') = get_item_embedding_features('{id}')"));
        Assert.True(await _db.ScalarAsync<bool>(
            "select not exists (select from get_item_embedding_feature_batch(1000, 0, now()) except select from get_item_embedding_feature_batch(1000, 0))"));
    }

    [Fact]
    public async Task A_decision_at_the_very_as_of_counts()
    {
        await _db.ExecuteAsync("insert into user_video_decisions values ('00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 'like', '2025-06-01T12:00:00.000001Z')");
        async Task<string> Likes(string asOf) => await _db.ScalarAsync<string>(
            $"select get_user_embedding_features('00000000-0000-0000-0000-00000000000a', '{asOf}')->'decision_stats'->>'like_count'");
        Assert.Equal("1", await Likes("2025-06-01T12:00:00.000001Z"));
        Assert.Equal("0", await Likes("2025-06-01T12:00:00Z"));
    }

    [Fact]
    public async Task All_functions_are_stable_run_as_their_caller_and_may_run_in_parallel()
    {
        var functions = await _db.ListAsync<string>("""
            select format('%s %s %s %s', p.proname, p.provolatile, p.prosecdef, p.proparallel)
            from pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.proname like 'get\_%\_embedding\_feature%'
            """);
        Assert.Equal(9, functions.Count);
        Assert.All(functions, function => Assert.EndsWith(" s f s", function, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Streaming_reads_what_the_functions_return()
    {
        var users = await PayloadReader.ReadUsersAsync(_db.DataSource, null, Golden.AsOf, default).ToListAsync();
        var deciders = Golden.UserPayloads.Where(user => user.DecisionStats.DecisionCount > 0).OrderBy(user => user.UserId).ToList();
        Assert.Equal(deciders.Select(user => user.UserId), users.Select(user => user.UserId));
        for (var i = 0; i < users.Count; i++) PayloadAssert.Equal(deciders[i], users[i]);

        var wanted = new[] { Golden.UserPayloads[0].UserId, Guid.Parse("00000000-0000-0000-0000-000000000001") };
        var some = await PayloadReader.ReadUsersAsync(_db.DataSource, wanted, Golden.AsOf, default).ToListAsync();
        Assert.Equal(wanted.Order(), some.Select(user => user.UserId));

        var items = await PayloadReader.ReadItemsAsync(_db.DataSource, null, default).ToListAsync();
        Assert.Equal(140, items.Count);
        Assert.Empty(await PayloadReader.ReadItemsAsync(_db.DataSource, [], default).ToListAsync());
    }

    private async Task<IReadOnlyList<string>> KeysAsync(string json) =>
        await _db.ListAsync<string>($"select jsonb_object_keys({json}) as key order by key");
}
