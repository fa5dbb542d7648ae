using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Schema;

public class MigratorTests(PostgresFixture postgres)
{
    [Fact]
    public async Task An_empty_database_gets_everything_and_a_second_run_changes_nothing()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        var before = await Migrator.StatusAsync(db.DataSource, default);
        Assert.Empty(before.Applied);
        Assert.Contains("0001_public_tables.sql", before.Pending);
        Assert.Contains("public.get_user_embedding_features(uuid)", before.MissingFunctions);

        var first = await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(before.Pending, first.AppliedMigrations);
        Assert.Empty(first.ForeignFunctions);

        var second = await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Empty(second.AppliedMigrations);
        Assert.Empty(second.AppliedFunctions);
        Assert.True((await Migrator.StatusAsync(db.DataSource, default)).IsCurrent);
    }

    [Fact]
    public async Task Replicas_that_migrate_at_once_do_it_once()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        var reports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Migrator.MigrateAsync(db.DataSource, null, default)));
        var applied = reports.SelectMany(report => report.AppliedMigrations).ToList();
        Assert.Equal(applied.Distinct().Order(), applied.Order());
        Assert.True((await Migrator.StatusAsync(db.DataSource, default)).IsCurrent);
    }

    [Fact]
    public async Task Deleting_a_video_deletes_its_tags_and_performers_and_keeps_decisions_about_it()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("""
            insert into videos (id) values ('00000000-0000-0000-0000-000000000001');
            insert into video_tags values ('00000000-0000-0000-0000-000000000001', 'a');
            insert into video_performers values ('00000000-0000-0000-0000-000000000001', 'b');
            insert into user_video_decisions (user_id, video_id, decision_type)
              values ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'like');
            delete from videos;
            """);
        Assert.Equal(0, await db.ScalarAsync<long>("select count(*) from video_tags"));
        Assert.Equal(0, await db.ScalarAsync<long>("select count(*) from video_performers"));
        Assert.Equal(1, await db.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Fact]
    public async Task A_decision_of_another_type_is_refused_by_the_table()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var error = await Assert.ThrowsAsync<PostgresException>(() => db.ExecuteAsync(
            "insert into user_video_decisions (user_id, video_id, decision_type) values (gen_random_uuid(), gen_random_uuid(), 'love')"));
        Assert.Equal(PostgresErrorCodes.CheckViolation, error.SqlState);
    }

    [Fact]
    public async Task Video_embeddings_are_searched_through_an_HNSW_index_by_cosine()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        Assert.Contains(
            "USING hnsw (embedding vector_cosine_ops)",
            await db.ScalarAsync<string>("select indexdef from pg_indexes where tablename = 'video_embeddings' and indexdef like '%hnsw%'"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edited_released_migration_is_refused_by_name()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("update two_tower.migrations set checksum = repeat('0', 64) where version = 2");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains("Migration 0002_views_and_indexes.sql was edited", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InputException>(() => Migrator.StatusAsync(db.DataSource, default));
    }

    [Fact]
    public async Task A_database_of_a_newer_program_is_refused()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("insert into two_tower.migrations values (9999, '9999_future.sql', 'x')");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db.DataSource, null, default));
        Assert.Contains("9999_future.sql", error.Message, StringComparison.Ordinal);

        // Its status can be told all the same: in a roll-out the older replicas go on against it.
        var status = await Migrator.StatusAsync(db.DataSource, default);
        Assert.Equal(["9999_future.sql"], status.Newer);
        Assert.Empty(status.Pending);
        Assert.False(status.IsCurrent);
    }

    [Fact]
    public async Task Their_own_recommend_videos_ann_keeps_ours_out_because_each_call_would_be_ambiguous()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync("""
            create extension vector;
            create function public.recommend_videos_ann(p_embedding vector, p_limit int default 50, p_banned_tag_ids uuid[] default null,
              p_max_safety_level int default 1, p_allowed_regions text[] default null, p_exclude_video_ids uuid[] default null)
            returns table (video_id uuid, distance double precision, similarity double precision)
            language sql stable as 'select null::uuid, 0.0::float8, 1.0::float8';
            """);

        var report = await Migrator.MigrateAsync(db.DataSource, null, default);

        Assert.Single(report.ForeignFunctions, "public.recommend_videos_ann(vector, integer, uuid[], integer, text[], uuid[], text[], text)");
        Assert.Equal(1L, await db.ScalarAsync<long>("select count(*) from recommend_videos_ann('[1,0]')"));
        Assert.Empty((await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedFunctions);
    }

    [Fact]
    public async Task One_of_our_functions_whose_text_changed_is_replaced()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("comment on function public.get_item_embedding_features(uuid) is 'TwoTower: an older text'");
        Assert.Equal(
            ["public.get_item_embedding_features(uuid)"],
            (await Migrator.StatusAsync(db.DataSource, default)).OutdatedFunctions);
        Assert.Equal(
            ["public.get_item_embedding_features(uuid)"],
            (await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedFunctions);
    }

    [Fact]
    public async Task An_unreachable_server_is_told_with_its_address()
    {
        await using var db = DataSources.Create("Host=127.0.0.1;Port=1;Username=nobody;Password=secret;Database=x");
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.MigrateAsync(db, null, default));
        Assert.Contains("127.0.0.1:1 doesn't answer", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_is_told_by_name()
    {
        var settings = new NpgsqlConnectionStringBuilder(postgres.ServerConnectionString) { Database = "no_such_database" };
        await using var db = DataSources.Create(settings.ConnectionString);
        var error = await Assert.ThrowsAsync<InputException>(() => Migrator.StatusAsync(db, default));
        Assert.Contains("has no database 'no_such_database'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(14, "0.8.4", "0.8.4", "is PostgreSQL 14.0; TwoTower needs 15 or newer")]
    [InlineData(17, null, null, "has no pgvector. Install it on the server (Debian and Ubuntu: apt install postgresql-17-pgvector")]
    [InlineData(17, null, "0.5.1", "has pgvector 0.5.1; TwoTower needs 0.7.0 or newer (halfvec). Upgrade the extension")]
    [InlineData(17, "0.6.0", "0.8.4", "Run: alter extension vector update;")]
    public void A_server_that_cannot_be_used_is_refused_with_the_remedy(int version, string? installed, string? available, string reason)
    {
        var server = new ServerInfo(
            new(version, 0), "db", installed is null ? null : Version.Parse(installed), available is null ? null : Version.Parse(available), null);
        Assert.Contains(reason, Assert.Throws<InputException>(() => ServerCheck.Require(server)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_leaves_nothing_of_a_migration()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Migrator.MigrateAsync(db.DataSource, _ => stop.Cancel(), stop.Token));
        var status = await Migrator.StatusAsync(db.DataSource, default);
        Assert.Empty(status.Applied);
        Assert.False(await db.ScalarAsync<bool>("select to_regnamespace('two_tower') is not null or to_regclass('public.videos') is not null"));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.True((await Migrator.StatusAsync(db.DataSource, default)).IsCurrent);
    }

    [Fact]
    public async Task A_statement_timeout_of_the_database_does_not_end_a_migration()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync("""
            do $$ begin execute format('alter database %I set statement_timeout = 1000', current_database()); end $$;
            create function slowly() returns event_trigger language plpgsql as $$ begin perform pg_sleep(1.5); end $$;
            create event trigger slowly on ddl_command_end when tag in ('CREATE SCHEMA') execute function slowly();
            """);
        await using var source = Postgres.Connections.DataSources.Create(db.ConnectionString + ";Pooling=false");
        Assert.NotEmpty((await Migrator.MigrateAsync(source, null, default)).AppliedMigrations);
    }
}
