using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>What a request knows of its viewer, in the golden world.</summary>
public sealed class RequestContextTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task Both_feature_modes_give_the_golden_payload_of_every_viewer_with_likes()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        var inProcess = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2, useRpcFeatures: false));
        foreach (var mode in new[] { release, inProcess })
        {
            await new ReleaseStore(_db.DataSource).ActivateAsync(mode.ModelVersion, "test", null);
            var seen = 0;
            foreach (var golden in Golden.UserPayloads)
            {
                var context = await RequestContext.ReadAsync(_db.DataSource, golden.UserId, Golden.AsOf, default);
                Assert.Equal(mode.ModelVersion, context.ModelVersion);
                // Of how many videos the last word is a like; of one moment the like.
                Assert.Equal(
                    Golden.Tables.Decisions.Where(row => row.UserId == golden.UserId && row.CreatedAt <= Golden.AsOf).GroupBy(
                        row => row.VideoId)
                        .Count(rows => rows.OrderBy(row => row.CreatedAt).ThenBy(row => row.Type).Last().Type == DecisionType.Like),
                    context.LikeCount);
                if (context.LikeCount == 0) continue;
                Same(golden, context.Payload!);
                seen++;
            }

            Assert.True(seen > 50);
        }
    }

    [Fact]
    public async Task A_decision_that_a_clients_clock_dated_ahead_counts_at_once()
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        await _db.ExecuteAsync("""
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select '00000000-0000-0000-0000-0000000000aa', id, 'like', now() + interval '4 minutes' from videos limit 1
            """);
        var context = await RequestContext.ReadAsync(_db.DataSource, new("00000000-0000-0000-0000-0000000000aa"), null, default);
        Assert.Equal(1, context.LikeCount);
        Assert.Equal(1, context.Payload!.DecisionStats.LikeCount);
    }

    [Fact]
    public async Task An_unknown_viewer_has_no_likes_and_no_history()
    {
        var context = await RequestContext.ReadAsync(_db.DataSource, Guid.NewGuid(), null, default);
        Assert.Null(context.ModelVersion);
        Assert.Null(context.Payload);
        Assert.Equal(0, context.LikeCount);
    }

    [Fact]
    public async Task The_viewers_rows_are_found_by_indexes()
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        await _db.ExecuteAsync("""
            insert into videos (id) select gen_random_uuid() from generate_series(1, 40000);
            insert into video_tags select id, 'drama' from videos on conflict do nothing;
            insert into video_performers select id, 'someone' from videos on conflict do nothing;
            insert into profiles select gen_random_uuid(), 'x', now() from generate_series(1, 40000);
            insert into user_video_decisions (user_id, video_id, decision_type)
              select p.user_id, v.id, 'like' from (select user_id from profiles limit 2000) p, (select id from videos limit 20) v on conflict do nothing;
            analyze
            """);
        var user = await _db.ScalarAsync<Guid>("select user_id from user_video_decisions where decision_type = 'like' limit 1");
        var plans = await SearchWorld.PlansAsync(_db, "select * from two_tower.serving_context($1, null, null)", user);
        Assert.Contains("Index", plans, StringComparison.Ordinal);
        foreach (var table in new[] { "user_video_decisions", "videos", "video_tags", "video_performers", "profiles" })
        {
            Assert.DoesNotContain($"Seq Scan on {table}", plans, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reader_is_given_the_context_that_was_read_and_a_history_is_summed_once()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)]));
        await _db.ExecuteAsync($"alter table {release.Table} add history vector(12); update {release.Table} set history = array_fill(0.5, array[12])::real[]::vector");
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var user in Golden.UserPayloads.Where(payload => payload.DecisionStats.LikeCount > 0).Take(5))
        {
            Assert.True(await ScalarAsync<int>($"select jsonb_array_length(public.two_tower_request_context('{user.UserId}') #> '{{payload,history,liked}}')") > 0);
        }

        Assert.Equal(5L, await ScalarAsync<long>("select calls from pg_stat_xact_user_functions where funcname = 'pooled_histories'"));

        async Task<T> ScalarAsync<T>(string sql)
        {
            await using var command = new Npgsql.NpgsqlCommand($"set local track_functions = 'all'; {sql}", connection, transaction);
            return (T)(await command.ExecuteScalarAsync())!;
        }
    }

    private static void Same(UserPayload expected, UserPayload actual)
    {
        Assert.Equal(expected.UserId, actual.UserId);
        Assert.Equal(expected.Profile.CreatedAt, actual.Profile.CreatedAt);
        Assert.Equal(expected.DecisionStats.NopeCount, actual.DecisionStats.NopeCount);
        Assert.Equal(expected.DecisionStats.RecentLikeAt, actual.DecisionStats.RecentLikeAt);
        Close.Equal(expected.DecisionStats.AverageLikeHour, actual.DecisionStats.AverageLikeHour, "hour");
        Close.Equal(expected.PriceStats.Mean, actual.PriceStats.Mean, "mean");
        Close.Equal(expected.PriceStats.Median, actual.PriceStats.Median, "median");
        Assert.Equal(expected.Tags.Order(StringComparer.Ordinal), actual.Tags.Order(StringComparer.Ordinal));
        Assert.Equal(expected.Performers.Order(StringComparer.Ordinal), actual.Performers.Order(StringComparer.Ordinal));
    }
}
