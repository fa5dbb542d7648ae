using Npgsql;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>
/// 12,000 videos with random unit vectors of 16 numbers: enough that a plan which looks at every row is slower than the index. Video n
/// has safety level n % 3, region RARE for one in a hundred and COMMON for the others but those that have none (n % 10 = 5), tag-(n % 20).
/// </summary>
internal static class SearchWorld
{
    public const int Videos = 12_000, Dim = 16;

    /// <param name="tagIds">Type of the tags' ids, in tables tags and video_tags that were there first; null: tags are names.</param>
    public static async Task<TestDatabase> CreateAsync(PostgresFixture postgres, string vectorType = "vector", string? tagIds = null)
    {
        var db = tagIds is null ? await postgres.CreateDatabaseAsync() : await postgres.CreateEmptyDatabaseAsync();
        var tag = "'tag-' || n % 20";
        if (tagIds is not null)
        {
            static string Id(string n, string type) => type == "uuid" ? $"lpad(({n})::text, 32, '0')::uuid" : $"(1000 + {n})::{type}";
            await db.ExecuteAsync($"""
                create table tags (id {tagIds} primary key, name varchar not null);
                create table video_tags (video_id uuid not null, tag_id {tagIds} not null references tags, primary key (video_id, tag_id));
                insert into tags select {Id("n", tagIds)}, 'tag-' || n from generate_series(0, 19) n;
                """);
            await Migrator.MigrateAsync(db.DataSource, null, default);
            tag = Id("n % 20", tagIds);
        }

        await db.ExecuteAsync($$"""
            insert into videos (id, title, safety_level, region_codes, is_active)
            select lpad(to_hex(n), 32, '0')::uuid, 'Video ' || n, n % 3,
              case when n % 100 = 0 then '{RARE}'::text[] when n % 10 = 5 then '{}' else '{COMMON}' end, n % 50 <> 7
            from generate_series(1, {{Videos}}) n;
            insert into video_tags select lpad(to_hex(n), 32, '0')::uuid, {{tag}} from generate_series(1, {{Videos}}) n;
            insert into two_tower.releases (model_version, embedding_dim, vector_type) values ('model-1', {{Dim}}, '{{vectorType}}');
            analyze;
            """);
        await AddVectorsAsync(db, "model-1", seed: 1);
        await new ReleaseStore(db.DataSource).ActivateAsync("model-1", "test", null);
        return db;
    }

    /// <summary>Fills a registered release with random vectors and makes it ready.</summary>
    public static async Task AddVectorsAsync(TestDatabase db, string modelVersion, int seed)
    {
        var store = new ReleaseStore(db.DataSource);
        var release = await store.TransitionAsync(modelVersion, ReleaseState.Embedding, "test", null);
        var random = new Random(seed);
        var vectors = new float[Videos * release.EmbeddingDim];
        for (var i = 0; i < Videos; i++) Unit(random, release.EmbeddingDim).CopyTo(vectors, i * release.EmbeddingDim);
        await TestReleases.WriteAsync(db, release, [.. Enumerable.Range(1, Videos).Select(Id)], vectors);
        await TestReleases.PassGateAsync(db, modelVersion);
        await store.TransitionAsync(modelVersion, ReleaseState.Ready, "test", null);
    }

    public static Guid Id(int n) => new($"00000000-0000-0000-0000-{n:x12}");

    public static int Number(Guid id) => Convert.ToInt32(id.ToString("N")[24..], 16);

    public static float[] Unit(Random random, int dim = Dim)
    {
        var vector = new float[dim];
        double length = 0;
        for (var i = 0; i < dim; i++)
        {
            vector[i] = (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(2 * Math.PI * random.NextDouble());
            length += vector[i] * vector[i];
        }

        for (var i = 0; i < dim; i++) vector[i] /= (float)Math.Sqrt(length);
        return vector;
    }

    /// <summary>Calls the contract's function. <paramref name="arguments"/>: SQL of further named arguments.</summary>
    public static async Task<List<(int Video, double Distance, double Similarity)>> RecommendAsync(
        TestDatabase db, float[] embedding, int limit, string arguments = "")
    {
        await using var command = db.DataSource.CreateCommand(
            $"select video_id, distance, similarity from public.recommend_videos_ann($1::real[]::vector, $2{(arguments.Length > 0 ? ", " + arguments : "")})");
        command.Parameters.Add(new() { Value = embedding });
        command.Parameters.Add(new() { Value = limit });
        await using var row = await command.ExecuteReaderAsync();
        List<(int, double, double)> found = [];
        while (await row.ReadAsync()) found.Add((Number(row.GetGuid(0)), row.GetDouble(1), row.GetDouble(2)));
        return found;
    }

    /// <summary>The nearest by looking at every row.</summary>
    public static async Task<List<int>> ExactAsync(TestDatabase db, float[] query, int limit, string where)
    {
        var ids = await db.ListAsync<Guid>($"""
            select e.video_id from two_tower.video_embeddings_1 e join videos v on v.id = e.video_id
            where v.is_active and {where} order by (e.embedding <=> '[{string.Join(",", query)}]') + 0 limit {limit}
            """);
        return [.. ids.Select(Number)];
    }

    /// <summary>Runs a statement and returns the plan of every statement that ran within it, as the server's auto_explain tells.</summary>
    public static async Task<string> PlansAsync(TestDatabase db, string sql, params object[] parameters)
    {
        await using var connection = await db.DataSource.OpenConnectionAsync();
        var plans = new List<string>();
        connection.Notice += (_, notice) => plans.Add(notice.Notice.MessageText);
        await using (var explain = new NpgsqlCommand(
            """
            load 'auto_explain';
            set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_parameter_max_length = 0;
            set client_min_messages = log
            """, connection))
        {
            await explain.ExecuteNonQueryAsync();
        }

        await using (var command = new NpgsqlCommand(sql, connection))
        {
            foreach (var parameter in parameters) command.Parameters.Add(new() { Value = parameter });
            await command.ExecuteNonQueryAsync();
        }

        await using var reset = new NpgsqlCommand("reset all", connection);
        await reset.ExecuteNonQueryAsync();
        return string.Join("\n", plans);
    }
}

/// <summary>The world, made once for tests that change nothing.</summary>
public sealed class SearchWorldFixture(PostgresFixture postgres) : IAsyncLifetime
{
    public TestDatabase Database { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Database = await SearchWorld.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await Database.DisposeAsync();
}
