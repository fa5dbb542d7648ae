using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Schema;

/// <summary>Tables of theirs with types of their own: a migration takes them and everything reads them, or it names them and changes
/// nothing.</summary>
public class ExistingTablesTests(PostgresFixture postgres)
{
    private const string Theirs =
        """
        create table profiles (user_id uuid primary key, display_name text, created_at timestamptz);
        create table videos (id uuid primary key, external_id text, title text, description text, duration_seconds int, thumbnail_url text,
          preview_video_url text, distribution_code text, maker_code text, director text, series text, maker text, label text, price numeric,
          distribution_started_at timestamptz, product_released_at timestamptz, sample_video_url text, image_urls jsonb, source text,
          published_at timestamptz, product_url text, created_at timestamptz, safety_level smallint, region_codes text[], is_active boolean);
        create table user_video_decisions (user_id uuid, video_id uuid, decision_type text, created_at timestamptz);
        create table video_tags (video_id uuid, tag_name text);
        create table video_performers (video_id uuid, performer_name text);
        insert into profiles values ('00000000-0000-0000-0000-00000000000a');
        insert into videos (id) values ('00000000-0000-0000-0000-000000000001');
        insert into user_video_decisions values ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like', '2025-01-01');
        """;

    public static TheoryData<string, string, string> Types => new()
    {
        { "profiles", "user_id", "text" },
        { "profiles", "user_id", "bigint" },
        { "profiles", "display_name", "varchar(80)" },
        { "profiles", "display_name", "jsonb" },
        { "profiles", "display_name", "bigint" },
        { "profiles", "created_at", "timestamp" },
        { "profiles", "created_at", "date" },
        { "videos", "id", "integer" },
        { "videos", "external_id", "bigint" },
        { "videos", "external_id", "varchar(9)" },
        { "videos", "title", "varchar(80)" },
        { "videos", "title", "char(9)" },
        { "videos", "title", "name" },
        { "videos", "title", "jsonb" },
        { "videos", "description", "bytea" },
        { "videos", "maker", "bigint" },
        { "videos", "maker_code", "bigint" },
        { "videos", "thumbnail_url", "jsonb" },
        { "videos", "image_urls", "text[]" },
        { "videos", "image_urls", "json" },
        { "videos", "duration_seconds", "interval" },
        { "videos", "duration_seconds", "bigint" },
        { "videos", "duration_seconds", "numeric" },
        { "videos", "duration_seconds", "float8" },
        { "videos", "price", "money" },
        { "videos", "price", "text" },
        { "videos", "price", "float4" },
        { "videos", "published_at", "date" },
        { "videos", "published_at", "text" },
        { "videos", "created_at", "timestamp" },
        { "videos", "created_at", "bigint" },
        { "videos", "product_released_at", "date" },
        { "videos", "distribution_started_at", "timestamp" },
        { "videos", "safety_level", "text" },
        { "videos", "safety_level", "bigint" },
        { "videos", "region_codes", "text" },
        { "videos", "region_codes", "varchar(2)[]" },
        { "videos", "region_codes", "jsonb" },
        { "videos", "is_active", "smallint" },
        { "video_tags", "video_id", "text" },
        { "video_tags", "tag_name", "varchar(20)" },
        { "video_tags", "tag_name", "jsonb" },
        { "video_tags", "tag_name", "integer" },
        { "video_performers", "performer_name", "bytea" },
        { "user_video_decisions", "user_id", "bigint" },
        { "user_video_decisions", "decision_type", "smallint" },
        { "user_video_decisions", "decision_type", "boolean" },
        { "user_video_decisions", "decision_type", "varchar(10)" },
        { "user_video_decisions", "created_at", "timestamp" },
        { "user_video_decisions", "created_at", "bigint" },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_column_of_another_type_is_read_everywhere_or_named_and_nothing_changes(string table, string column, string type)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(Theirs);
        await db.ExecuteAsync($"alter table {table} drop column {column}; alter table {table} add column {column} {type}");
        InputException? refused = null;
        try
        {
            await Migrator.MigrateAsync(db.DataSource, null, default);
        }
        catch (InputException error)
        {
            refused = error;
        }

        if (refused is not null)
        {
            Assert.Contains($"public.{table}, which was there before, has a column {column} of type", refused.Message,
                StringComparison.Ordinal);
            Assert.Contains("Nothing was changed", refused.Message, StringComparison.Ordinal);
            Assert.False(await db.ScalarAsync<bool>(
                "select to_regnamespace('two_tower') is not null or to_regclass('public.video_embeddings') is not null"));
            return;
        }

        await TableReader.ReadAsync(db.DataSource, default);
        Assert.NotNull(await PayloadReader.ReadItemsAsync(db.DataSource, null, default).ToListAsync());
        await db.ExecuteAsync(
            """
            select get_user_embedding_features('00000000-0000-0000-0000-00000000000a');
            select two_tower.refresh_video_statistics();
            select * from two_tower.record_decision('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'nope', '2025-02-02');
            update videos set is_active = true;
            """);
        Assert.Empty((await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedFunctions);
    }

    [Fact]
    public async Task All_columns_that_do_not_fit_are_named_at_once()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync("create table videos (id bigint, price money); create table profiles (id int)");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains("no column user_id", error.Message, StringComparison.Ordinal);
        Assert.Contains("a column id of type bigint", error.Message, StringComparison.Ordinal);
        Assert.Contains("a column price of type money", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("videos")]
    [InlineData("user_video_decisions")]
    [InlineData("video_tags")]
    public async Task A_view_in_place_of_a_table_is_named_and_nothing_is_changed(string view)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(Theirs);
        await db.ExecuteAsync($"alter table {view} rename to theirs; create view {view} as select * from theirs");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains($"public.{view}, which was there before, is no table", error.Message, StringComparison.Ordinal);
        Assert.Contains("'twotower import postgres' loads these rows", error.Message, StringComparison.Ordinal);
        Assert.False(await db.ScalarAsync<bool>("select to_regnamespace('two_tower') is not null"));
    }

    [Fact]
    public async Task What_only_the_server_finds_out_undoes_the_migration_too()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync("create table tags (id bigint, name text); create table video_tags (video_id uuid, tag_id text)");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains("can't be used", error.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", error.Message, StringComparison.Ordinal);
        Assert.False(await db.ScalarAsync<bool>(
            "select to_regnamespace('two_tower') is not null or to_regclass('public.videos') is not null"));
    }

    [Fact]
    public async Task Types_are_looked_at_again_by_every_migration()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("alter table videos drop column price; alter table videos add column price money");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains("a column price of type money", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_only_read_is_told_before_any_work()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var role = $"reader_{Guid.NewGuid():N}";
        await db.ExecuteAsync($"create role {role} login password 'only-reads'; grant pg_read_all_data to {role}");
        try
        {
            await WriteRights.RequireReleasesAsync(db.DataSource, default);
            var settings = new NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = role, Password = "only-reads" };
            await using (var reader = DataSources.Create(settings.ConnectionString))
            {
                var error = await Assert.ThrowsAsync<InputException>(() => WriteRights.RequireReleasesAsync(reader, default));
                Assert.Contains($"User '{role}' may not register a release", error.Message, StringComparison.Ordinal);
                Assert.Contains("grant", error.Message, StringComparison.Ordinal);
            }

            settings = new(db.ConnectionString) { Options = "-c default_transaction_read_only=on" };
            await using var standby = DataSources.Create(settings.ConnectionString);
            Assert.Contains("takes no writes",
                (await Assert.ThrowsAsync<InputException>(() => WriteRights.RequireReleasesAsync(standby, default))).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            await db.ExecuteAsync($"revoke pg_read_all_data from {role}; drop role {role}");
        }
    }
}
