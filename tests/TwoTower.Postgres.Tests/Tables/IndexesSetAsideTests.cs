using TwoTower.Core.Rows;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>A first load of many decisions makes the indexes after the rows; whatever happens, the table has them all in the end.</summary>
public sealed class IndexesSetAsideTests(PostgresFixture postgres)
{
    private const int Many = 60_000;
    private const string Indexes =
        "select pg_get_indexdef(indexrelid) || coalesce(obj_description(indexrelid, 'pg_class'), '') from pg_index where indrelid = 'user_video_decisions'::regclass and indisvalid order by 1";

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
        var oids = await db.ListAsync<uint>("select indexrelid from pg_index where indrelid = 'user_video_decisions'::regclass order by 1");

        Assert.Equal(Many - 1, (await new TableWriter(db.DataSource).WriteAsync(Tables, steps, default)).Decisions);

        Assert.DoesNotContain("step 3 of 3: indexing", steps.Seen);
        Assert.Equal(oids, await db.ListAsync<uint>("select indexrelid from pg_index where indrelid = 'user_video_decisions'::regclass order by 1"));
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

    [Fact]
    public async Task Who_does_not_own_the_table_fills_it_too()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var role = $"twotower_test_{Guid.NewGuid():N}";
        await db.ExecuteAsync($"create role {role} login password 'of a test'; grant pg_read_all_data, pg_write_all_data to {role}");
        try
        {
            await using var theirs = Npgsql.NpgsqlDataSource.Create(
                new Npgsql.NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = role, Password = "of a test", Pooling = false }.ConnectionString);
            Assert.Equal(Many, (await new TableWriter(theirs).WriteAsync(Tables, null, default)).Decisions);
        }
        finally
        {
            await db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    private static Guid Id(int n) => new(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    private sealed class Steps : IProgress<WriteProgress>
    {
        private readonly HashSet<string> _seen = [];

        public IReadOnlyCollection<string> Seen
        {
            get { lock (_seen) return [.. _seen]; }
        }

        public void Report(WriteProgress value)
        {
            lock (_seen) _seen.Add(value.Step ?? "");
        }
    }
}
