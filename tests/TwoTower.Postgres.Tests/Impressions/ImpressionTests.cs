using Microsoft.Extensions.Options;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;
using Answer = TwoTower.Postgres.Serving.Recommendations;

namespace TwoTower.Postgres.Tests.Impressions;

/// <summary>What is kept of the recommendations that were served, whose, how long, and what happens when it can't be written.</summary>
[Collection(nameof(Alone))]
public sealed class ImpressionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await _db.ExecuteAsync("insert into two_tower.releases (model_version, embedding_dim) values ('model-1', 4), ('model-2', 4)");
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private (ServingRecorder Recorder, ServingRecordWriter Writer) Create(ImpressionOptions options)
    {
        var recorder = new ServingRecorder(Options.Create(options));
        return (recorder, new(_db.DataSource, recorder, options));
    }

    // The tests' server is this machine.
    private static DateTimeOffset Now => DateTimeOffset.UtcNow;

    private static Guid User(int n) => new($"00000000-0000-0000-0001-{n:x12}");

    private static Guid Video(int n) => new($"00000000-0000-0000-0002-{n:x12}");

    private static void Answered(ServingRecorder recorder, Guid user, Answer answer, long? experiment, DateTimeOffset at) =>
        recorder.Answered(
        user, answer.ModelVersion, ServingTelemetry.NameOf(answer.Strategy), [.. answer.Videos.Select(video => video.Video.Id)], experiment,
        at, couldBeMore: true);

    private static Answer Of(string? version, params int[] videos) => new(
        version is null ? Strategy.PopularAndFresh : Strategy.TwoTower, version, DateTimeOffset.UnixEpoch,
        [.. videos.Select((n, i) => new RecommendedVideo(i + 1, new VideoCard { Id = Video(n) }, 0, null, 0, []))]);

    [Fact]
    public async Task An_answer_is_a_row_a_video_with_release_experiment_rank_strategy_and_time_and_an_empty_one_a_row_of_rank_0()
    {
        var (recorder, writer) = Create(new() { Share = 1 });
        Answered(recorder, User(1), Of("model-1", 7, 8), 5, Now);
        Answered(recorder, User(2), Of("model-2"), null, Now);
        Answered(recorder, User(3), Of(null, 9), null, Now);
        Assert.Equal(4, await writer.FlushAsync());

        var rows = await _db.ListAsync<string>("""
            select concat_ws(' ', coalesce(r.model_version, '-'), coalesce(i.experiment_id::text, '-'), right(i.user_id::text, 1),
              coalesce(right(i.video_id::text, 1), '-'), i.rank, i.strategy)
            from two_tower.impressions i left join two_tower.releases r using (release_id) order by i.user_id, i.rank
            """);
        Assert.Equal(["model-1 5 1 7 1 two_tower", "model-1 5 1 8 2 two_tower", "model-2 - 2 - 0 two_tower", "- - 3 9 1 popular_and_fresh"], rows);
        Assert.True(await _db.ScalarAsync<bool>("select bool_and(abs(extract(epoch from clock_timestamp() - served_at)) < 60) from two_tower.impressions"));
        Assert.Equal(4L, await _db.ScalarAsync<long>("select sum(rows)::bigint from two_tower.impression_days"));
    }

    [Fact]
    public async Task The_users_of_the_share_are_recorded_always_and_the_others_never()
    {
        var (recorder, writer) = Create(new() { Share = 0.3 });
        for (var round = 0; round < 3; round++)
        {
            for (var n = 0; n < 200; n++) Answered(recorder, User(n), Of("model-1", round), null, Now);
        }

        await writer.FlushAsync();
        var expected = Enumerable.Range(0, 200).Select(User).Where(user => UserShare.Of(user, "impressions") < 0.3).Order().ToList();
        Assert.InRange(expected.Count, 30, 90);
        Assert.Equal(expected, (await _db.ListAsync<Guid>("select user_id from two_tower.impressions group by 1 having count(*) = 3")).Order());
        Assert.Equal(3L * expected.Count, await _db.ScalarAsync<long>("select count(*) from two_tower.impressions"));
        // Every request counts, whoever it was from.
        Assert.Equal(600L, await _db.ScalarAsync<long>("select sum(answers)::bigint from two_tower.serving_counts"));
    }

    [Fact]
    public async Task Beyond_what_may_wait_answers_are_dropped_and_counted_and_the_request_goes_on()
    {
        using var metrics = new MetricReader(ImpressionTelemetry.Name);
        var (recorder, writer) = Create(new() { Share = 1, Pending = 10 });
        for (var n = 0; n < 25; n++) Answered(recorder, User(n), Of("model-1", n), null, Now);
        Assert.Equal(15, metrics.Sum("twotower.impressions.dropped", "full"));
        Assert.Equal(10, await writer.FlushAsync());
        Answered(recorder, User(99), Of("model-1", 1), null, Now);
        Assert.Equal(1, await writer.FlushAsync());
        Assert.Equal(11, metrics.Sum("twotower.impressions.recorded", null));
    }

    [Fact]
    public async Task What_cannot_be_written_now_is_written_the_next_time_and_once()
    {
        var (recorder, writer) = Create(new() { Share = 1 });
        Answered(recorder, User(1), Of("model-1", 1, 2), null, Now);
        recorder.Failed("model-1", User(1));
        await _db.ExecuteAsync("alter table two_tower.impressions rename to away; alter table two_tower.serving_counts rename to counts_away");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => writer.FlushAsync());
        await _db.ExecuteAsync("alter table two_tower.counts_away rename to serving_counts");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => writer.FlushAsync());
        await _db.ExecuteAsync("alter table two_tower.away rename to impressions");
        Assert.Equal(2, await writer.FlushAsync());
        Assert.Equal(0, await writer.FlushAsync());
        Assert.Equal("1 0 1", await _db.ScalarAsync<string>("select concat_ws(' ', sum(answers), sum(empty), sum(failed)) from two_tower.serving_counts"));
    }

    [Fact]
    public async Task Counts_of_several_replicas_add_up()
    {
        var replicas = Enumerable.Range(0, 4).Select(_ => Create(new() { Share = 0 })).ToList();
        foreach (var (recorder, _) in replicas)
        {
            for (var n = 0; n < 10; n++) Answered(recorder, User(n), n < 3 ? Of("model-1") : Of("model-1", n), null, Now);
            recorder.Failed("model-1", User(1));
            Answered(recorder, User(0), Of("model-2", 1), null, Now);
        }

        await Task.WhenAll(replicas.Select(replica => replica.Writer.FlushAsync()));
        Assert.Equal(
            ["model-1 40 12 4", "model-2 4 0 0"],
            await _db.ListAsync<string>("""
                select concat_ws(' ', r.model_version, sum(c.answers), sum(c.empty), sum(c.failed))
                from two_tower.serving_counts c join two_tower.releases r using (release_id) group by r.model_version order by 1
                """));
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from two_tower.impressions"));
    }

    [Fact]
    public async Task A_user_whom_a_release_failed_is_one_row_a_minute_and_an_answer_that_no_release_could_give_is_none()
    {
        var (recorder, writer) = Create(new() { Share = 0 });
        for (var n = 0; n < 10; n++)
        {
            recorder.Failed("model-1", User(1));
            recorder.Answered(User(2), "model-1", "two_tower", [], null, Now, couldBeMore: true);
            recorder.Answered(User(3), "model-1", "two_tower", [], null, Now, couldBeMore: false);
        }

        await writer.FlushAsync();
        Assert.Equal(
            ["empty 2", "failed 1"],
            await _db.ListAsync<string>("select concat_ws(' ', kind, right(user_id::text, 1)) from two_tower.serving_faults order by 1"));
        Assert.Equal("10 10 10", await _db.ScalarAsync<string>("select concat_ws(' ', sum(answers), sum(empty), sum(failed)) from two_tower.serving_counts"));
    }

    [Fact]
    public async Task A_replay_of_an_earlier_moment_is_not_a_recommendation_that_was_served()
    {
        await TestReleases.LoadGoldenAsync(_db);
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        var (recorder, writer) = Create(new() { Share = 1 });
        using var towers = new TowerCache(new ReleaseStore(_db.DataSource), 1);
        var service = new RecommendationService(_db.DataSource, towers, Options.Create(new RecommendationOptions()), recorder);
        var request =
            new RecommendationRequest(
                Golden.UserPayloads.First(user => user.DecisionStats.LikeCount > 3).UserId, 5, false, new VideoFilter());
        await service.RecommendAsync(request, Golden.AsOf);
        Assert.Equal(0, await writer.FlushAsync());
        var served = await service.RecommendAsync(request);
        Assert.Equal(5, await writer.FlushAsync());
        Assert.Equal(
            served.Videos.Select(video => video.Video.Id),
            await _db.ListAsync<Guid>($"select video_id from two_tower.impressions where release_id = {release.Id} order by rank"));
    }

    [Fact]
    public async Task Days_beyond_the_limit_go_with_their_partitions_and_too_many_rows_cost_the_oldest_days()
    {
        await FillAsync(days: 6, rows: 400);
        ImpressionOptions options = new() { Days = 4, MaxRows = 1_000 };
        var dropped = await new ImpressionRetention(_db.DataSource, options with { MaxRows = 1_000_000 }, TimeProvider.System).PruneAsync();
        Assert.Equal([-5, -4], await OffsetsAsync(dropped));
        Assert.Equal(4L, await PartitionsAsync());
        Assert.Equal(1_600L, await _db.ScalarAsync<long>("select count(*) from two_tower.impressions"));

        // 1,600 rows of 4 days: the two oldest go, and what is left fits.
        dropped = await new ImpressionRetention(_db.DataSource, options, TimeProvider.System).PruneAsync();
        Assert.Equal([-3, -2], await OffsetsAsync(dropped));
        Assert.Equal(2L, await PartitionsAsync());
    }

    [Fact]
    public async Task When_two_days_alone_are_too_many_recording_pauses_and_says_so()
    {
        using var metrics = new MetricReader(ImpressionTelemetry.Name);
        await FillAsync(days: 1, rows: 1_000);
        var (recorder, writer) = Create(new() { Share = 1, MaxRows = 1_000 });
        Answered(recorder, User(1), Of("model-1", 1, 2), null, Now);
        Assert.Equal(0, await writer.FlushAsync());
        Assert.Equal(1, metrics.Sum("twotower.impressions.dropped", "limit"));
        Assert.Equal(1_000L, await _db.ScalarAsync<long>("select count(*) from two_tower.impressions"));
    }

    [Fact]
    public async Task A_reader_of_the_impressions_is_not_made_to_fail_by_retention_and_others_do_not_wait_long_behind_it()
    {
        await FillAsync(days: 3, rows: 10);
        await using var reader = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var read = new Npgsql.NpgsqlCommand("select count(*) from two_tower.impressions", reader, transaction)) await read.ExecuteScalarAsync();

        var pruning = new ImpressionRetention(_db.DataSource, new() { Days = 1 }, TimeProvider.System).PruneAsync();
        // Behind a drop that waits, writers and readers wait 200 ms at most; with the reader still there they must come through.
        var (recorder, writer) = Create(new() { Share = 1 });
        for (var n = 0; n < 5; n++)
        {
            Answered(recorder, User(n), Of("model-1", n), null, Now);
            Assert.Equal(1, await writer.FlushAsync());
        }

        await transaction.CommitAsync();
        await pruning;
        await new ImpressionRetention(_db.DataSource, new() { Days = 1 }, TimeProvider.System).PruneAsync();
        Assert.Equal(1L, await PartitionsAsync());
    }

    [Fact]
    public async Task Replicas_that_write_the_first_rows_of_a_day_at_once_make_one_partition()
    {
        for (var round = 0; round < 10; round++)
        {
            var replicas = Enumerable.Range(0, 8).Select(_ => Create(new() { Share = 1 })).ToList();
            foreach (var (recorder, _) in replicas) Answered(recorder, User(1), Of("model-1", 1, 2, 3), null, Now);
            Assert.All(await Task.WhenAll(replicas.Select(replica => replica.Writer.FlushAsync())), rows => Assert.Equal(3, rows));
            Assert.Equal(1L, await PartitionsAsync());
            await _db.ExecuteAsync("select two_tower.drop_impressions(0, 1, 60000)");
            Assert.Equal(0L, await PartitionsAsync());
        }
    }

    private Task<long> PartitionsAsync() => _db.ScalarAsync<long>("select count(*) from pg_inherits where inhparent = 'two_tower.impressions'::regclass");

    private async Task<List<int>> OffsetsAsync(IReadOnlyList<DateOnly> days)
    {
        var today = DateOnly.FromDateTime(await _db.ScalarAsync<DateTime>("select (clock_timestamp() at time zone 'UTC')::date::timestamp"));
        return [.. days.Select(day => day.DayNumber - today.DayNumber)];
    }

    /// <summary>The given number of rows on each of some days, today the last.</summary>
    private Task FillAsync(int days, int rows) => _db.ExecuteAsync($"""
        do $$
        declare
            v_day date;
        begin
            for v_day in select (clock_timestamp() at time zone 'UTC')::date - n from generate_series(0, {days - 1}) n loop
                perform two_tower.impression_partition(v_day);
                insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy)
                select v_day::timestamp at time zone 'UTC', 1, gen_random_uuid(), gen_random_uuid(), 1, 'two_tower' from generate_series(1, {rows});
                insert into two_tower.impression_days values (v_day, {rows});
            end loop;
        end
        $$
        """);
}
