using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>All of sql/ as one script: what 'twotower db script' prints.</summary>
public class SchemaScriptTests(SupabaseServer server, PostgresFixture postgres) : IClassFixture<SupabaseServer>
{
    private const string Schema = """
        select * from (
          select format('%s.%s %s %s', n.nspname, c.relname, c.relacl, c.relrowsecurity) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'two_tower')
          union all select format('%s.%s.%s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
            from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid where n.nspname in ('public', 'two_tower') and a.attnum > 0
          union all select format('%s %s %s %s', p.oid::regprocedure, md5(p.prosrc), p.proacl, p.proconfig) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'two_tower')
          union all select format('%s %s', t.tgrelid::regclass, t.tgname) from pg_trigger t where not t.tgisinternal
          union all select format('%s %s', p.polrelid::regclass, p.polname) from pg_policy p
          union all select format('%s %s %s', version, name, checksum) from two_tower.migrations
          union all select table_name from two_tower.made_tables) x order by 1
        """;

    [Fact]
    public async Task It_makes_what_a_migration_makes()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        foreach (var kind in SupabaseProject.Kinds)
        {
            await using var migrated = await server.CreateProjectAsync(kind);
            await Migrator.MigrateAsync(migrated.DataSource, null, default);
            await using var scripted = await server.CreateProjectAsync(kind);
            await scripted.ExecuteAsync(SchemaScript.Write("extensions"));

            var status = await Migrator.StatusAsync(scripted.DataSource, default);
            Assert.True(status.IsCurrent);
            Assert.Empty(status.ForeignFunctions);
            Assert.Equal(await migrated.ListAsync<string>(Schema), await scripted.ListAsync<string>(Schema));

            // As the next version's migration: nothing is there twice, and what is outdated is made anew.
            await scripted.ExecuteAsync(SchemaScript.Write("extensions"));
            await scripted.ExecuteAsync(
                "comment on function public.get_item_embedding_features(uuid) is 'TwoTower: sql/functions/x, sha256 old'");
            Assert.False((await Migrator.StatusAsync(scripted.DataSource, default)).IsCurrent);
            await scripted.ExecuteAsync(SchemaScript.Write("extensions"));
            Assert.True((await Migrator.StatusAsync(scripted.DataSource, default)).IsCurrent);
            Assert.Equal(await migrated.ListAsync<string>(Schema), await scripted.ListAsync<string>(Schema));
            Assert.Empty((await Migrator.MigrateAsync(scripted.DataSource, null, default)).AppliedFunctions);
        }
    }

    [Fact]
    public async Task Supabases_own_command_line_takes_it()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        await using var db = await server.CreateProjectAsync(new(false, true));
        using var folder = new TemporaryFolder();
        var migrations = Directory.CreateDirectory(Path.Combine(folder.Path, "supabase", "migrations")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "supabase", "config.toml"), "project_id = \"test\"\n");
        await File.WriteAllTextAsync(Path.Combine(migrations, "20261201000000_two_tower.sql"), SchemaScript.Write("extensions"));

        var (code, output) = await tools!.RunAsync(
            "supabase", "db", "push", "--db-url", SupabaseServer.Url(db), "--workdir", folder.Path, "--yes");
        Assert.True(code == 0, output);
        Assert.True((await Migrator.StatusAsync(db.DataSource, default)).IsCurrent);
        Assert.Equal(1L, await db.ScalarAsync<long>("select count(*) from supabase_migrations.schema_migrations"));
        Assert.Equal(7L, await db.ScalarAsync<long>("select count(*) from two_tower.made_tables where secured_at is not null"));
        Assert.Empty((await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedFunctions);
    }

    [Fact]
    public async Task It_leaves_functions_of_others_alone()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync("""
            create schema extensions;
            create extension vector with schema extensions;
            create function recommend_videos_ann(extensions.vector, int, uuid[], int, text[], uuid[]) returns int language sql as 'select 1';
            create function get_item_embedding_features(video_id uuid) returns jsonb language sql as $$ select '{}'::jsonb $$;
            """);
        await db.ExecuteAsync(SchemaScript.Write("extensions"));
        var status = await Migrator.StatusAsync(db.DataSource, default);
        Assert.True(status.IsCurrent);
        Assert.Equal(2, status.ForeignFunctions.Count);
        Assert.Equal(1L, await db.ScalarAsync<long>("select count(*) from pg_proc where proname = 'recommend_videos_ann'"));
    }

    [Fact]
    public async Task It_is_refused_where_pgvector_is_elsewhere()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var error = await Assert.ThrowsAsync<PostgresException>(() => db.ExecuteAsync(SchemaScript.Write("extensions")));
        Assert.Contains("here schema public has it", error.MessageText, StringComparison.Ordinal);
        Assert.Contains("twotower db script --vector-schema public", error.Hint, StringComparison.Ordinal);
        await db.ExecuteAsync(SchemaScript.Write("public"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x'; drop table videos; --")]
    [InlineData("Extensions")]
    [InlineData("1a")]
    public void A_schema_that_is_no_plain_name_is_refused(string name) =>
        Assert.Contains($"'{name}'", Assert.Throws<InputException>(() => SchemaScript.Write(name)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Elsewhere_functions_stay_everybodys_and_tables_without_policies()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        Assert.Equal(0L, await db.ScalarAsync<long>("select count(*) from pg_policy"));
        Assert.Equal(0L, await db.ScalarAsync<long>("select count(*) from pg_class where relrowsecurity"));
        Assert.Equal(0L, await db.ScalarAsync<long>("select count(*) from two_tower.made_tables where secured_at is not null"));
        Assert.True(
            await db.ScalarAsync<bool>(
                "select proacl is null and proconfig is null from pg_proc where oid = 'public.get_item_embedding_features(uuid)'::regprocedure"));
    }
}
