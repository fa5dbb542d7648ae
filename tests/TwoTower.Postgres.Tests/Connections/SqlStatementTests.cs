using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Connections;

/// <summary>Statements by names, against a server.</summary>
public sealed class SqlStatementTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Parameters_and_columns_go_by_name_whatever_their_order()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var rows = await db.DataSource.Sql(
            "select @b as b, @a || @a as a, null::bigint as none, null::text as nothing from generate_series(1, @n)")
            .With("n", 2).With("a", "x").With("b", 7L)
            .ListAsync(
                row => (row.Get<string>("a"), row.Get<long>("b"), row.Get<long?>("none"), row.GetOrNull<string>("nothing")), default);
        Assert.Equal([("xx", 7L, null, null), ("xx", 7L, null, null)], rows);
    }

    [Fact]
    public async Task Every_type_goes_there_and_back_and_so_does_its_null()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var time = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.FromHours(9));
        var id = Guid.NewGuid();
        await Same("boolean", (bool?)true);
        await Same("integer", (int?)3);
        await Same("bigint", (long?)4);
        await Same("double precision", (double?)0.5);
        await Same("uuid", (Guid?)id);
        await Same("timestamp with time zone", (DateTimeOffset?)time);
        await Same("interval", (TimeSpan?)TimeSpan.FromMinutes(90));
        await Same("text", "名");
        await Same("boolean[]", new[] { true, false });
        await Same("integer[]", new[] { 1, 2 });
        await Same("bigint[]", new[] { 1L, 2 });
        await Same("bigint[]", new long?[] { 1, null });
        await Same("real[]", new[] { 0.5f });
        await Same("text[]", new string?[] { "a", null });
        await Same("uuid[]", new[] { id });
        await Same("uuid[]", new Guid?[] { id, null });
        await Same("timestamp with time zone[]", new[] { time.ToUniversalTime() });

        async Task Same<T>(string type, T value)
        {
            foreach (var sent in new[] { value, default })
            {
                Assert.Equal(type, await db.DataSource.Sql("select pg_typeof(@value)::text").With("value", sent)
                    .ScalarAsync<string>(default));
                Assert.Equal(sent, await db.DataSource.Sql("select @value").With("value", sent).ScalarAsync<T>(default));
            }
        }
    }

    [Fact]
    public void A_type_that_is_not_known_is_refused_by_the_parameters_name() =>
        Assert.Contains(
            "@size is a System.Decimal", Assert.Throws<ArgumentException>(() => Statements.Parameter("size", 1m)).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task A_value_that_must_be_there_and_is_not_is_an_error()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.DataSource.Sql("select null::bigint").ScalarAsync<long>(default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.DataSource.Sql("select 1::bigint where false")
            .ScalarAsync<long>(default));
        Assert.Null(await db.DataSource.Sql("select 1::bigint where false").ScalarAsync<long?>(default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.DataSource.Sql("select 1 as n where false")
            .SingleAsync(row => row.Get<int>("n"), default));
        Assert.Null(await db.DataSource.Sql("select 'a' as n where false").FirstOrNullAsync(row => row.Get<string>("n"), default));
        await Assert.ThrowsAsync<InvalidCastException>(() => db.DataSource.Sql("select null::text as n")
            .ListAsync(row => row.Get<string>("n"), default));
        await Assert.ThrowsAsync<IndexOutOfRangeException>(() => db.DataSource.Sql("select 1 as n")
            .ListAsync(row => row.Get<int>("m"), default));
    }

    [Fact]
    public async Task A_transaction_is_there_as_a_whole_or_not_at_all()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await Assert.ThrowsAsync<PostgresException>(() => db.DataSource.InTransactionAsync(async connection =>
        {
            await connection.Sql("insert into videos (title) values (@title)").With("title", "gone").ExecuteAsync(default);
            return await connection.Sql("select 1 / 0").ScalarAsync<int>(default);
        }, default));
        Assert.Equal(0, await db.DataSource.Sql("select count(*) from videos").ScalarAsync<long>(default));
        Assert.Equal(1, await db.DataSource.InTransactionAsync(
            connection => connection.Sql("insert into videos (title) values (@title)").With("title", "there")
                .ExecuteAsync(default), default));
        Assert.Equal(["there"], await db.DataSource.Sql("select title from videos").ListAsync<string>(default));
    }

    [Fact]
    public async Task An_error_after_the_first_row_and_one_of_a_later_statement_are_errors()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await Assert.ThrowsAsync<PostgresException>(() => db.DataSource.Sql("select 1 / (2 - n) from generate_series(1, 2) as s (n)")
            .ListAsync<int>(default));
        await Assert.ThrowsAsync<PostgresException>(() => db.DataSource.Sql("select 1; select 1 / 0").ScalarAsync<int>(default));
    }

    [Fact]
    public async Task Rows_come_one_at_a_time_and_a_reader_that_stops_gives_its_connection_back()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(db.ConnectionString + ";Maximum Pool Size=1;Timeout=5");
        await foreach (var n in source.Sql("select n from generate_series(1, 100000) as s (n)")
            .StreamAsync(row => row.Get<int>("n"), default))
        {
            if (n == 3) break;
        }

        Assert.Equal(1, await source.Sql("select 1").ScalarAsync<int>(default));
    }
}
