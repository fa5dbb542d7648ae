using Npgsql;
using TwoTower.Postgres.Tests.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Features;

/// <summary>How Postgres runs the feature functions when the tables are large: one user must never cost a scan of all decisions.</summary>
public sealed class FeatureFunctionPlanTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await _db.ExecuteAsync("""
            insert into videos (id, price) select md5('v' || i)::uuid, i % 3000 from generate_series(1, 8000) i;
            insert into video_tags select md5('v' || i)::uuid, 'tag ' || (i * 7 + t) % 500 from generate_series(1, 8000) i, generate_series(1, 4) t;
            insert into video_performers select md5('v' || i)::uuid, 'performer ' || (i * 3 + t) % 900 from generate_series(1, 8000) i, generate_series(1, 2) t;
            insert into user_video_decisions
              select md5('u' || u)::uuid, md5('v' || 1 + (u * 31 + n * 97) % 8000)::uuid, case when n % 3 = 0 then 'nope' else 'like' end,
                timestamptz '2025-01-01' + n * interval '1 hour'
              from generate_series(1, 2000) u, generate_series(1, 60) n;
            """);
        await _db.ExecuteAsync("vacuum analyze videos, video_tags, video_performers, user_video_decisions");
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task One_user_is_found_by_index_also_in_the_generic_plan_of_a_prepared_statement()
    {
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await ExecuteAsync(connection, "set plan_cache_mode = force_generic_plan");
        await ExecuteAsync(connection, "prepare one(uuid, timestamptz) as select p.payload from two_tower.user_payloads(array[$1], $2) p");
        await AssertIndexedAsync(connection, "execute one(md5('u7')::uuid, now())");
    }

    [Fact]
    public async Task The_function_for_one_user_reads_fewer_pages_than_a_scan_of_the_decisions()
    {
        // A whole scan of the decisions alone is more than that.
        Assert.True(await _db.ScalarAsync<long>("select pg_relation_size('user_video_decisions') / 8192") > 1000);
        Assert.InRange(await PagesAsync("select get_user_embedding_features(md5('u7')::uuid)"), 1, 1000);
    }

    [Fact]
    public async Task A_page_of_videos_reads_its_own_rows_only()
    {
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await ExecuteAsync(connection, "set plan_cache_mode = force_generic_plan");
        await ExecuteAsync(connection, "prepare page(uuid[]) as select p.payload from two_tower.item_payloads($1) p");
        await AssertIndexedAsync(connection, "execute page(array[md5('v7')::uuid, md5('v8')::uuid])");
    }

    [Theory]
    [InlineData("get_user_embedding_feature_batch", "user_id")]
    [InlineData("get_item_embedding_feature_batch", "video_id")]
    public async Task A_batch_of_a_thousand_is_as_few_statements_as_a_batch_of_one(string function, string key)
    {
        async Task<int> StatementsAsync(int limit) =>
            (await SearchWorld.PlansAsync(_db, $"select count({key}) from {function}({limit}, 0)")).Split("Query Text:").Length - 1;

        var one = await StatementsAsync(1);
        Assert.InRange(one, 1, 5);
        Assert.Equal(one, await StatementsAsync(1000));
    }

    // The second time: the first one reads the catalogue as well, and writes what is new in it.
    private async Task<long> PagesAsync(string sql)
    {
        await _db.ListAsync<string>($"explain (analyze, buffers) {sql}");
        var plan = await _db.ListAsync<string>($"explain (analyze, buffers) {sql}");
        var buffers = plan.First(line => line.Contains("Buffers: shared", StringComparison.Ordinal));
        return buffers.Split(' ').Where(word => word.StartsWith("hit=", StringComparison.Ordinal) || word.StartsWith("read=", StringComparison.Ordinal))
            .Sum(word => long.Parse(word.Split('=')[1]));
    }

    private static async Task AssertIndexedAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand($"explain {statement}", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var plan = "";
        while (await reader.ReadAsync()) plan += reader.GetString(0) + "\n";
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Function Scan on user_payloads", plan, StringComparison.Ordinal);
        Assert.Contains("video_tags_pkey", plan, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
