using System.Collections.Concurrent;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>A first load of many decisions makes the indexes after the rows; whatever happens, the table has them all in the end.</summary>
public sealed class IndexesSetAsideTests(PostgresFixture postgres)
{
    private const int Many = 60_000;
    private const string Indexes =
        "select pg_get_indexdef(indexrelid) || coalesce(obj_description(indexrelid, 'pg_class'), '') from pg_index where indrelid = 'user_video_decisions'::regclass and indisvalid order by 1";

    private const string Oids = "select indexrelid from pg_index where indrelid = 'user_video_decisions'::regclass order by 1";

    private static readonly TableSet Tables = new(
        [], [],
        [.. Enumerable.Range(0, Many).Select(n => new DecisionRow(
            Id(n % 700), Id(1000 + n % 900), n % 3 == 0 ? DecisionType.Like : DecisionType.Nope,
            DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(n)))]);

    [Fact]
    public async Task An_empty_table_is_filled_and_has_the_same_indexes_and_rows_as_ever()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync(
            """
            create index theirs on user_video_decisions (created_at desc) where decision_type = 'like';
            comment on index theirs is 'of theirs'; create index brin on user_video_decisions using brin (created_at) with (pages_per_range = 16)
            """);
        var before = await db.ListAsync<string>(Indexes);
        var steps = new Steps();

        var first = await new TableWriter(db.DataSource).WriteAsync(Tables, steps, default);
        var again = await new TableWriter(db.DataSource).WriteAsync(Tables, null, default);

        Assert.Contains("step 3 of 3: indexing", steps.Seen);
        Assert.Equal(((long)Many, 0L), (first.Decisions, again.Decisions));
        Assert.Equal(before, await db.ListAsync<string>(Indexes));
        Assert.Equal(Many, await db.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Fact]
    public async Task A_table_with_rows_keeps_its_indexes_throughout()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync($"insert into user_video_decisions values ('{Id(0)}', '{Id(1000)}', 'like', '{DateTimeOffset.UnixEpoch.AddDays(20_000):O}')");
        var steps = new Steps();
        var oids = await db.ListAsync<uint>(Oids);

        Assert.Equal(Many - 1, (await new TableWriter(db.DataSource).WriteAsync(Tables, steps, default)).Decisions);

        Assert.DoesNotContain("step 3 of 3: indexing", steps.Seen);
        Assert.Equal(oids, await db.ListAsync<uint>(Oids));
    }

    [Fact]
    public async Task A_table_that_somebody_reads_is_not_taken_from_them()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var reader = await db.DataSource.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var reading = await reader.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = reader.CreateCommand())
        {
            command.CommandText = "select count(*) from user_video_decisions";
            await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }

        var steps = new Steps();
        Assert.Equal(Many, (await new TableWriter(db.DataSource).WriteAsync(Tables, steps, default)).Decisions);
        Assert.DoesNotContain("step 3 of 3: indexing", steps.Seen);
    }

    [Theory]
    [InlineData("a release")]
    [InlineData("a popular list")]
    public async Task A_table_that_something_is_served_from_can_be_read_throughout(string served)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync($"insert into videos (id, title) values ('{Id(1000)}', 'x')");
        if (served == "a release") await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        else await db.ExecuteAsync("select two_tower.refresh_video_statistics()");
        var oids = await db.ListAsync<uint>(Oids);
        var steps = new Steps(() => db.ScalarAsync<long>(
            "select count(*) from pg_locks where relation = 'user_video_decisions'::regclass and mode = 'AccessExclusiveLock'"));

        Assert.Equal(Many, (await new TableWriter(db.DataSource).WriteAsync(Tables, steps, default)).Decisions);

        Assert.DoesNotContain("step 3 of 3: indexing", steps.Seen);
        Assert.Contains("step 3 of 3: writing", steps.Seen);
        Assert.All(steps.Locks, locks => Assert.Equal(0, locks));
        Assert.Equal(oids, await db.ListAsync<uint>(Oids));
    }

    [Theory]
    [InlineData("timestamptz(0)", false)]
    [InlineData("timestamptz(3)", false)]
    [InlineData("timestamptz(2)", false)]
    [InlineData("timestamptz(0)", true)]
    public async Task Decisions_that_a_coarser_time_makes_the_same_are_kept_once(string type, bool hasRows)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            $"""
            create table user_video_decisions (
                user_id uuid not null, video_id uuid not null, decision_type text not null, created_at {type} not null,
                primary key (user_id, video_id, decision_type, created_at));
            """);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        if (hasRows) await db.ExecuteAsync($"insert into user_video_decisions values ('{Id(0)}', '{Id(1000)}', 'like', '1980-01-01')");
        var twins = Tables.Decisions.Take(10)
            .Select((decision, n) => decision with { CreatedAt = decision.CreatedAt.AddTicks(1000 + n * 10) });
        var tables = new TableSet([], [], [.. Tables.Decisions, .. twins]);

        var first = await new TableWriter(db.DataSource).WriteAsync(tables, null, default);
        var again = await new TableWriter(db.DataSource).WriteAsync(tables, null, default);

        Assert.Equal(((long)Many, 0L), (first.Decisions, again.Decisions));
        Assert.Contains(first.Notes, note => note.Contains(" are kept as timestamp", StringComparison.Ordinal));
        Assert.Contains("10 of 60,010 decisions are the same as another one in the times that are kept, and are left out", first.Notes);
    }

    [Fact]
    public async Task Who_does_not_own_the_table_fills_it_too()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var filler = await db.AsRoleAsync(role => $"grant pg_read_all_data, pg_write_all_data to {role}");
        Assert.Equal(Many, (await new TableWriter(filler.DataSource).WriteAsync(Tables, null, default)).Decisions);
    }

    private static Guid Id(int n) => new(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    private sealed class Steps(Func<Task<long>>? locks = null) : IProgress<WriteProgress>
    {
        private readonly HashSet<string> _seen = [];

        public ConcurrentQueue<long> Locks { get; } = [];

        public IReadOnlyCollection<string> Seen
        {
            get { lock (_seen) return [.. _seen]; }
        }

        public void Report(WriteProgress value)
        {
            if (locks is not null) Locks.Enqueue(Task.Run(locks).GetAwaiter().GetResult());
            lock (_seen) _seen.Add(value.Step ?? "");
        }
    }
}
