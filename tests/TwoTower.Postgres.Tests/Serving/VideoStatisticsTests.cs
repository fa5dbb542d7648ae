using Microsoft.Extensions.Options;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>The counts behind popular-and-fresh.</summary>
public sealed class VideoStatisticsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private VideoStatistics _statistics = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _statistics = new VideoStatistics(_db.DataSource, Options.Create(new PopularityOptions { Maturity = TimeSpan.Zero, Spread = 1 }));
        await _db.ExecuteAsync("""
            insert into videos (id, title, product_released_at) values
              ('00000000-0000-0000-0000-000000000001', 'liked', '2020-01-01Z'),
              ('00000000-0000-0000-0000-000000000002', 'disputed', '2020-01-01Z'),
              ('00000000-0000-0000-0000-000000000003', 'new', '2026-01-01Z'),
              ('00000000-0000-0000-0000-000000000004', 'unknown', null);
            -- Three viewers like video 1, one of them three times over; two like video 2 and one of them changes their mind.
            insert into user_video_decisions (user_id, video_id, decision_type, created_at) values
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like', '2026-01-02Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like', '2026-01-03Z'),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001', 'like', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000001', 'like', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000002', 'like', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000002', 'like', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000002', 'nope', '2026-01-02Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000ff', 'like', '2026-01-01Z')
            """);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task Each_viewer_counts_once_a_video_with_the_last_word()
    {
        Assert.Equal(4, await _statistics.RefreshAsync());
        Assert.Equal(
            ["liked 3 0", "disputed 1 1", "new 0 0", "unknown 0 0"],
            await _db.ListAsync<string>(
                "select title || ' ' || like_count || ' ' || nope_count from two_tower.video_statistics join videos on id = video_id order by id"));

        // ln(1 + 3) · 4/5 and ln(1 + 1) · 2/4
        Assert.Equal(Math.Log(4) * 0.8, await PopularityAsync(1), 6);
        Assert.Equal(Math.Log(2) * 0.5, await PopularityAsync(2), 6);
        Assert.Equal(0, await PopularityAsync(3));
    }

    [Fact]
    public async Task What_is_no_like_and_no_nope_neither_makes_a_user_older_nor_takes_a_place_of_the_day()
    {
        var statistics = new VideoStatistics(
            _db.DataSource, Options.Create(new PopularityOptions { Maturity = TimeSpan.FromDays(7), Spread = 1, DecisionsPerDay = 1 }));
        await _db.ExecuteAsync("""
            alter table user_video_decisions drop constraint if exists user_video_decisions_decision_type_check;
            delete from user_video_decisions;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at) values
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'view', now() - interval '1 year'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000003', 'like', now()),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001', 'view', '2026-01-01Z'),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000002', 'like', '2026-01-01 01:00Z');
            delete from two_tower.user_arrivals;
            delete from two_tower.decision_arrivals
            """);
        await statistics.RefreshAsync();
        Assert.Equal(0, await PopularityAsync(3), 3);
        Assert.True(await PopularityAsync(2) > 0);
    }

    [Fact]
    public async Task Only_what_changed_is_written_and_a_deleted_video_goes()
    {
        await _statistics.RefreshAsync();
        Assert.Equal(0, await _statistics.RefreshAsync());
        await _db.ExecuteAsync("""
            insert into user_video_decisions (user_id, video_id, decision_type)
              values ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000002', 'like');
            delete from videos where title = 'new'
            """);
        Assert.Equal(2, await _statistics.RefreshAsync());
        Assert.Equal(3L, await _db.ScalarAsync<long>("select count(*) from two_tower.video_statistics"));
    }

    [Fact]
    public async Task Of_several_replicas_one_counts_at_a_time()
    {
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var first = connection.CreateCommand())
        {
            first.CommandText = "select two_tower.refresh_video_statistics(interval '0', 1, 100)";
            Assert.Equal(4L, await first.ExecuteScalarAsync());
        }

        Assert.Null(await _statistics.RefreshAsync());
        await transaction.CommitAsync();
        Assert.Equal(0, await _statistics.RefreshAsync());
    }

    [Fact]
    public async Task Videos_that_are_not_counted_yet_are_served_after_those_that_are()
    {
        const string Popular = "select title from two_tower.popular_videos(10, '2026-02-01Z', 1, '{}', '{}', '{}', null) order by value desc, title";
        Assert.Equal(4, (await _db.ListAsync<string>(Popular)).Count);

        await _statistics.RefreshAsync();
        await _db.ExecuteAsync("insert into videos (title) values ('just added')");
        Assert.Equal(["liked", "disputed", "just added", "new", "unknown"], await _db.ListAsync<string>(Popular));
    }

    [Fact]
    public async Task A_user_counts_by_age_by_spread_and_for_so_many_decisions_a_day()
    {
        await _db.ExecuteAsync("""
            truncate user_video_decisions;
            -- Half of the time has passed since a came, who so counts an eighth; b is old, has one video of two, and a profile that is older than the decision; c has come now, whatever the decision says.
            insert into two_tower.user_arrivals values
              ('00000000-0000-0000-0000-00000000000a', now() - interval '5 days'), ('00000000-0000-0000-0000-00000000000c', now());
            insert into profiles values ('00000000-0000-0000-0000-00000000000b', 'b', now() - interval '100 days');
            insert into user_video_decisions (user_id, video_id, decision_type, created_at) values
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like', '2020-01-01Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000002', 'like', '2020-01-02Z'),
              ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000003', 'like', '2020-01-02T01:00Z'),
              ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001', 'like', now() - interval '1 minute'),
              ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000004', 'like', '2020-01-01Z'),
              ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000001', 'like', '2020-01-02Z');
            """);
        await new VideoStatistics(
            _db.DataSource, Options.Create(new PopularityOptions { Maturity = TimeSpan.FromDays(10), Spread = 2, DecisionsPerDay = 1 }))
                .RefreshAsync();
        static double Popularity(double likes) => Math.Log(1 + likes) * (likes + 1) / (likes + 2);
        Assert.Equal(Popularity(0.125 + 0.5), await PopularityAsync(1), 3);
        Assert.Equal(Popularity(0.125), await PopularityAsync(2), 3);
        Assert.Equal(0, await PopularityAsync(3), 3); // the day's second
        Assert.Equal(0, await PopularityAsync(4), 3);
        Assert.Equal([3, 1, 1, 1], await _db.ListAsync<int>("select like_count from two_tower.video_statistics order by video_id")); // counts are counts
    }

    [Fact]
    public async Task A_profile_that_was_made_at_no_time_counts_by_the_decisions()
    {
        await _db.ExecuteAsync("""
            truncate user_video_decisions;
            insert into profiles values
              ('00000000-0000-0000-0000-00000000000a', 'a', '-infinity'), ('00000000-0000-0000-0000-00000000000b', 'b', '0044-03-15Z BC'),
              ('00000000-0000-0000-0000-00000000000c', 'c', 'infinity'), ('00000000-0000-0000-0000-00000000000d', 'd', now() + interval '1 year');
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select ('00000000-0000-0000-0000-00000000000' || w.letter)::uuid, ('00000000-0000-0000-0000-00000000000' || w.n)::uuid, 'like', now() - interval '20 days'
            from (values ('a', 1), ('b', 2), ('c', 3), ('d', 4)) as w (letter, n);
            """);
        var options = new PopularityOptions { Maturity = TimeSpan.FromDays(10), Spread = 1 };
        await new VideoStatistics(_db.DataSource, Options.Create(options)).RefreshAsync();
        for (var n = 1; n <= 4; n++) Assert.Equal(Math.Log(2) * 2 / 3, await PopularityAsync(n), 3);
    }

    [Fact]
    public async Task What_is_noted_of_a_decision_that_came_on_another_day_goes_with_it()
    {
        var decisions = new DecisionStore(_db.DataSource);
        var video = new Guid("00000000-0000-0000-0000-000000000001");
        foreach (var at in new DateTimeOffset?[] { null, DateTimeOffset.UtcNow.AddDays(-3), DateTimeOffset.UtcNow.AddDays(-2) })
        {
            Assert.Equal(DecisionOutcome.Recorded, (await decisions.RecordAsync(Guid.NewGuid(), video, DecisionType.Like, at)).Outcome);
        }

        Assert.Equal(2L, await _db.ScalarAsync<long>("select count(*) from two_tower.decision_arrivals where arrived_at > now() - interval '1 hour'"));
        await _statistics.RefreshAsync();
        Assert.Equal(2L, await _db.ScalarAsync<long>("select count(*) from two_tower.decision_arrivals"));
        await _db.ExecuteAsync("truncate user_video_decisions");
        await _statistics.RefreshAsync();
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from two_tower.decision_arrivals"));
    }

    private Task<double> PopularityAsync(int n) =>
        _db.ScalarAsync<double>($"select popularity from two_tower.video_statistics where video_id = '00000000-0000-0000-0000-00000000000{n}'");

    [Fact]
    public async Task What_a_policy_hides_from_whoever_counts_is_not_forgotten()
    {
        await _db.ExecuteAsync(GivenSql);
        var role = $"counter_{Guid.NewGuid():N}";
        await _db.ExecuteAsync($"""
            create role {role} login password '{role}' nosuperuser;
            grant usage on schema public, two_tower to {role}; grant select on all tables in schema public to {role};
            grant all on all tables in schema two_tower to {role}; grant all on all sequences in schema two_tower to {role};
            alter table profiles enable row level security;
            """);
        try
        {
            var settings = new Npgsql.NpgsqlConnectionStringBuilder(_db.ConnectionString) { Username = role, Password = role };
            await using var source = Postgres.Connections.DataSources.Create(settings.ConnectionString);
            Assert.NotNull(await new VideoStatistics(source).RefreshAsync());
            Assert.Equal(["a", "b", "e"], await GivenAsync());
            await _db.ExecuteAsync("alter table profiles disable row level security; alter table user_video_decisions enable row level security");
            Assert.NotNull(await new VideoStatistics(source).RefreshAsync());
            Assert.Equal(["a", "b", "e"], await GivenAsync());
            Assert.Equal(1, await _db.ScalarAsync<long>("select count(*) from two_tower.decision_arrivals"));
        }
        finally
        {
            await _db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }

        // The owner sees all: e has a profile alone.
        await _db.ExecuteAsync("alter table user_video_decisions disable row level security");
        await _statistics.RefreshAsync();
        Assert.Equal(["a", "b", "e"], await GivenAsync());
    }

    [Fact]
    public async Task An_id_is_kept_while_a_profile_or_a_decision_names_the_user()
    {
        await _db.ExecuteAsync(GivenSql);

        // As where the table is filled anew every night: e is nobody until it is.
        await _db.ExecuteAsync("truncate profiles");
        await _statistics.RefreshAsync();
        Assert.Equal(["a", "b"], await GivenAsync());
        await _db.ExecuteAsync("delete from user_video_decisions where user_id::text like '%b'");
        await _statistics.RefreshAsync();
        Assert.Equal(["a"], await GivenAsync());
    }

    private const string GivenSql = """
        insert into profiles (user_id) values ('00000000-0000-0000-0000-00000000000a'), ('00000000-0000-0000-0000-00000000000e');
        insert into two_tower.given_user_ids select ('00000000-0000-0000-0000-00000000000' || g)::uuid, g from unnest(array['a', 'b', 'e']) g;
        insert into two_tower.decision_arrivals (user_id, video_id, decided_at) select user_id, video_id, created_at from user_video_decisions where user_id::text like '%c';
        """;

    private Task<IReadOnlyList<string>> GivenAsync() => _db.ListAsync<string>("select given_id from two_tower.given_user_ids order by 1");
}
