using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tests.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>Who may do what in a Supabase project's database after a migration, in projects of every kind.</summary>
public class AccessTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private static readonly Guid Ann = new("00000000-0000-4000-8000-0000000000a1"), Bob = new("00000000-0000-4000-8000-0000000000b2");

    public static TheoryData<bool, bool> Kinds => [.. SupabaseProject.Kinds.Select(
        kind => new TheoryDataRow<bool, bool>(kind.Exposes, kind.SecuresTables))];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_public_key_sees_the_catalogue_and_nothing_else(bool exposes, bool secures)
    {
        await using var db = await MigratedAsync(new(exposes, secures));
        await FillAsync(db);

        Assert.Equal(2L, Assert.Single(await db.AsAsync("anon", null, "select count(*) from videos")));
        Assert.Equal(2L, Assert.Single(await db.AsAsync("anon", null, "select count(*) from video_tags")));
        Assert.Equal(2L, Assert.Single(await db.AsAsync("anon", null, "select count(*) from video_performers")));
        foreach (var table in new[] { "profiles", "user_video_decisions", "user_embeddings", "video_embeddings", "two_tower.releases", "two_tower.video_tag_names", "two_tower.video_features" })
        {
            Assert.Equal("42501", await db.TryAsync("anon", null, $"select * from {table}"));
        }

        foreach (var statement in Writes) Assert.Equal("42501", await db.TryAsync("anon", null, statement));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_user_sees_and_writes_their_own_rows(bool exposes, bool secures)
    {
        await using var db = await MigratedAsync(new(exposes, secures));
        await FillAsync(db);

        Assert.Equal([Ann], await db.AsAsync("authenticated", Ann, "select user_id from profiles"));
        Assert.Equal([Ann], await db.AsAsync("authenticated", Ann, "select distinct user_id from user_video_decisions"));
        Assert.Equal(2L, Assert.Single(await db.AsAsync("authenticated", Ann, "select count(*) from videos")));
        await db.AsAsync(
            "authenticated", Ann,
            $"insert into user_video_decisions (user_id, video_id, decision_type) values ('{Ann}', '{TestVideos.Id(2)}', 'like')");
        Assert.Equal(2L, Assert.Single(await db.AsAsync("authenticated", Ann, "select count(*) from user_video_decisions")));
        Assert.Equal([Ann], await db.AsAsync("authenticated", Ann, "update profiles set display_name = 'Ann' returning user_id"));
        // As PostgREST writes an upsert.
        await db.AsAsync(
            "authenticated", Ann,
            $"insert into profiles (user_id, display_name) values ('{Ann}', 'A') on conflict (user_id) do update set user_id = excluded.user_id, display_name = excluded.display_name");
        Assert.Equal(
            "null A",
            await db.ScalarAsync<string>(
                $"select (select coalesce(min(display_name), 'null') from profiles where user_id = '{Bob}') || ' ' || display_name from profiles where user_id = '{Ann}'"));

        // Not somebody else's, not dated by the user, not what there is already, and not the catalogue.
        Assert.Equal(
            "42501",
            await db.TryAsync(
                "authenticated", Ann,
                $"insert into user_video_decisions (user_id, video_id, decision_type) values ('{Bob}', '{TestVideos.Id(2)}', 'like')"));
        foreach (var when in new[] { "now() + interval '1 day'", "'2024-01-01Z'", "now()" })
        {
            Assert.Equal(
                "42501",
                await db.TryAsync(
                    "authenticated", Ann,
                    $"insert into user_video_decisions (user_id, video_id, decision_type, created_at) values ('{Ann}', '{TestVideos.Id(2)}', 'like', {when})"));
        }

        Assert.Equal("42501", await db.TryAsync("authenticated", Ann, "update user_video_decisions set decision_type = 'nope'"));
        Assert.Equal("42501", await db.TryAsync("authenticated", Ann, $"update profiles set user_id = '{Guid.NewGuid()}'"));
        Assert.Equal("42501", await db.TryAsync("authenticated", Ann, "update profiles set created_at = '2001-01-01'"));
        Assert.Equal("42501", await db.TryAsync("authenticated", Ann, "delete from videos"));
        Assert.Equal("42501", await db.TryAsync("authenticated", Ann, "select * from video_embeddings"));
        Assert.Empty(
            await db.AsAsync("authenticated", Ann, $"update profiles set display_name = 'mine' where user_id = '{Bob}' returning user_id"));
        Assert.Empty(await db.AsAsync("authenticated", null, "select user_id from profiles"));

        // A user who comes.
        var newcomer = Guid.NewGuid();
        await db.AsAsync("authenticated", newcomer, $"insert into profiles (user_id, display_name) values ('{newcomer}', 'new')");
        Assert.Equal("42501", await db.TryAsync("authenticated", newcomer, $"insert into profiles (user_id) values ('{Guid.NewGuid()}')"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_service_role_imports_uploads_and_serves(bool exposes, bool secures)
    {
        await using var db = await MigratedAsync(new(exposes, secures));
        foreach (var statement in Writes) await db.AsAsync("service_role", null, statement);
        await FillAsync(db);
        var checkpoint = TestCheckpoints.Golden();
        var release = await TestReleases.ActivateAsync(db, checkpoint);
        await db.ExecuteAsync("select two_tower.refresh_video_statistics()");

        Assert.Single(
            await db.AsAsync("service_role", null, $"select get_user_embedding_features('{Ann}', now(), '{release.ModelVersion}')::text"));
        Assert.Equal(2L, Assert.Single(await db.AsAsync("service_role", null, $"""
            select count(*) from recommend_videos_ann(
              (select embedding::extensions.vector from two_tower.video_embeddings_{release.Id} where video_id = '{TestVideos.Id(1)}'),
              p_model_version => '{release.ModelVersion}')
            """)));
        foreach (var call in new[]
        {
            $"select count(*) from two_tower.serving_context('{Ann}', null, null)",
            $"select count(*) from two_tower.popular_videos(10, now(), 1, null, null, '{{drama}}', '{Ann}')",
            $"select two_tower.record_decision('{Bob}', '{TestVideos.Id(1)}', 'nope', null)",
            $"select two_tower.record_decision('{Guid.NewGuid()}', '{TestVideos.Id(1)}', 'nope', null)",
            $"select two_tower.add_serving_counts('{{{release.ModelVersion}}}', '{{1}}', '{{0}}', '{{0}}')",
            $"select two_tower.add_serving_faults('{{{release.ModelVersion}}}', '{{empty}}', '{{{Ann}}}')",
            $"select two_tower.record_impressions(array[now()], '{{{release.ModelVersion}}}', '{{null}}', '{{{Ann}}}', '{{{TestVideos.Id(1)}}}', '{{1}}', '{{ann}}', 1000)",
            "select two_tower.drop_impressions(1, 1, 10)",
            "select two_tower.refresh_video_statistics()",
        })
        {
            Assert.Equal("ok", await db.TryAsync("service_role", null, call));
        }

        // It serves, and decides nothing about releases.
        Assert.Equal("42501", await db.TryAsync("service_role", null, "update two_tower.active_release set release_id = null"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Nobody_else_executes_our_functions(bool exposes, bool secures)
    {
        await using var db = await MigratedAsync(new(exposes, secures));

        Assert.Empty(await db.ListAsync<string>("""
            select p.oid::regprocedure || ' by ' || r.rolname
            from two_tower.made_functions() m join pg_proc p on p.oid = m.function_oid, pg_roles r
            where r.rolname in ('anon', 'authenticated', 'authenticator', 'dashboard_user') and has_function_privilege(r.oid, p.oid, 'execute')
               or r.rolname = 'service_role' and not has_function_privilege(r.oid, p.oid, 'execute')
            """));
        foreach (var role in new[] { "anon", "authenticated" })
        {
            Assert.Equal("42501", await db.TryAsync(role, Ann, $"select get_user_embedding_features('{Ann}')"));
            Assert.Equal("42501", await db.TryAsync(role, Ann, "select two_tower.activate_release('x', null, null)"));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_a_project_made_itself_stays_untouched(bool exposes, bool secures)
    {
        await using var db = await ProjectAsync(new(exposes, secures));
        await db.ExecuteAsync("""
            create table profiles (user_id uuid primary key references auth.users, display_name text, created_at timestamptz default now());
            alter table profiles enable row level security;
            create policy "own profile" on profiles for all to authenticated using ((select auth.uid()) = user_id);
            grant select on profiles to authenticated;
            create table videos (id uuid primary key, title text, price int, is_active boolean default true);
            alter table videos disable row level security;
            grant select on videos to anon;
            revoke all on videos from service_role;
            create function recommend_videos_ann(p_embedding uuid) returns int language sql as 'select 1';
            create function two_tower_helper() returns int language sql as 'select 1';
            grant execute on function two_tower_helper() to anon;
            """);
        var before = await db.ListAsync<string>(Belongings);
        var report = await Migrator.MigrateAsync(db.DataSource, null, default);

        // Columns that it lacks are added, by whom they may be used is its own affair.
        Assert.Equal(before, await db.ListAsync<string>(Belongings));
        Assert.Contains(
            report.Warnings,
            warning => warning.Contains("public.videos is the project's own", StringComparison.Ordinal) && warning.Contains(
                "row level security is off", StringComparison.Ordinal));
        Assert.Contains(
            report.Warnings, warning => warning.Contains("grant select on public.videos to service_role", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Warnings, warning => warning.Contains("user_video_decisions", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_project_changes_afterwards_stays()
    {
        await using var db = await MigratedAsync(new(true, false));
        await db.ExecuteAsync("""
            grant execute on function get_item_embedding_features(uuid) to anon;
            drop policy "TwoTower: everyone reads active videos" on videos;
            create policy "members only" on videos for select to authenticated using (true);
            revoke select on videos from anon;
            grant delete on user_video_decisions to authenticated;
            """);
        var before = await db.ListAsync<string>(Everything);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(before, await db.ListAsync<string>(Everything));

        // A function whose text changes keeps who may execute it, and gets its search_path again.
        await db.ExecuteAsync("comment on function get_item_embedding_features(uuid) is 'TwoTower: sql/functions/x, sha256 old'");
        Assert.Equal(
            ["public.get_item_embedding_features(uuid)"], (await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedFunctions);
        Assert.Equal(before, await db.ListAsync<string>(Everything));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Applying_it_twice_changes_nothing(bool exposes, bool secures)
    {
        await using var db = await MigratedAsync(new(exposes, secures));
        var before = await db.ListAsync<string>(Everything);
        var again = await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Empty(again.AppliedMigrations);
        Assert.Empty(again.AppliedFunctions);
        Assert.Equal(before, await db.ListAsync<string>(Everything));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_project_that_an_older_version_migrated_is_made_safe(bool exposes, bool secures)
    {
        await using var db = await ProjectAsync(new(exposes, secures));
        await OlderDatabase.MigrateAsync(db, last: 29, "extensions"); // everything everybody's
        await FillAsync(db);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(2L, Assert.Single(await db.AsAsync("anon", null, "select count(*) from videos")));
        Assert.Equal("42501", await db.TryAsync("anon", null, "select * from user_video_decisions"));
        Assert.Equal([Ann], await db.AsAsync("authenticated", Ann, "select user_id from profiles"));
    }

    [Fact]
    public async Task A_role_that_serves_sees_through_our_policies()
    {
        await using var db = await ProjectAsync(new(false, false));
        await db.ExecuteAsync("create role my_api login");
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync("grant my_api to postgres; select two_tower.grant_serving('my_api')");
        await FillAsync(db);
        Assert.Equal(2L, Assert.Single(await db.AsAsync("my_api", null, "select count(*) from profiles")));
        Assert.Equal(2L, Assert.Single(await db.AsAsync("my_api", null, "select count(*) from user_video_decisions")));
        Assert.Equal(
            "ok", await db.TryAsync("my_api", null, $"select two_tower.record_decision('{Ann}', '{TestVideos.Id(3)}', 'like', null)"));
        Assert.Equal("ok", await db.TryAsync("my_api", null, $"select two_tower.serving_context('{Ann}', null, null)"));
        Assert.Equal([Ann], await db.AsAsync("authenticated", Ann, "select user_id from profiles"));
    }

    // What an import and an upload write; and what the public key would like to.
    private static string[] Writes =>
    [
        $"insert into videos (id, title) values ('{TestVideos.Id(50)}', 'x')",
        $"update videos set title = 'y' where id = '{TestVideos.Id(50)}'",
        $"insert into video_tags values ('{TestVideos.Id(50)}', 'drama')",
        $"insert into video_performers values ('{TestVideos.Id(50)}', 'somebody')",
        $"insert into profiles (user_id) values ('{TestVideos.Id(60)}')",
        $"insert into user_video_decisions (user_id, video_id, decision_type) values ('{TestVideos.Id(60)}', '{TestVideos.Id(50)}', 'like')",
        $"insert into video_embeddings (video_id, embedding) values ('{TestVideos.Id(50)}', array_fill(0.1, "
            + $"array[256])::real[]::extensions.vector) on conflict (video_id) do update set embedding = excluded.embedding",
        $"delete from video_embeddings where video_id = '{TestVideos.Id(50)}'",
        $"delete from user_video_decisions where user_id = '{TestVideos.Id(60)}'",
        $"delete from profiles where user_id = '{TestVideos.Id(60)}'",
        $"delete from videos where id = '{TestVideos.Id(50)}'",
    ];

    // A project's own things of schema public: rights, policies, settings.
    private const string Belongings = """
        select * from (
          select format('%s %s %s', c.relname, c.relacl, c.relrowsecurity) from pg_class c where c.oid in ('profiles'::regclass, 'videos'::regclass)
          union all select format('%s %s %s', p.oid::regprocedure, p.proacl, p.proconfig) from pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.prosrc = 'select 1'
          union all select format('%s %s %s %s', p.polrelid::regclass, p.polname, p.polroles, pg_get_expr(p.polqual, p.polrelid)) from pg_policy p
            where p.polrelid in ('profiles'::regclass, 'videos'::regclass)) x order by 1
        """;

    private const string Everything = """
        select * from (
          select format('%s %s %s', c.oid::regclass, c.relacl, c.relrowsecurity) from pg_class c where c.relnamespace in ('public'::regnamespace, 'two_tower'::regnamespace)
          union all select format('%s %s %s', p.oid::regprocedure, p.proacl, p.proconfig) from pg_proc p where p.pronamespace in ('public'::regnamespace, 'two_tower'::regnamespace)
          union all select format('%s %s', n.nspname, n.nspacl) from pg_namespace n
          union all select format('%s %s', d.defaclnamespace, d.defaclacl) from pg_default_acl d
          union all select format('%s %s %s %s %s', p.polrelid::regclass, p.polname, p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid)) from pg_policy p
          union all select format('%s %s', m.table_name, m.secured_at) from two_tower.made_tables m) x order by 1
        """;

    private async Task<TestDatabase> ProjectAsync(SupabaseProject kind)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        return await server.CreateProjectAsync(kind);
    }

    private async Task<TestDatabase> MigratedAsync(SupabaseProject kind)
    {
        var db = await ProjectAsync(kind);
        Assert.DoesNotContain(
            (await Migrator.MigrateAsync(db.DataSource, null, default)).Warnings,
            warning => warning.Contains("the project's own", StringComparison.Ordinal));
        return db;
    }

    // Three videos, of which one is hidden; two users with a like each.
    private static async Task FillAsync(TestDatabase db)
    {
        await db.ExecuteAsync($"""
            insert into videos (id, title, is_active) select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'video ' || n, n < 3 from generate_series(1, 3) n;
            insert into video_tags select id, 'drama' from videos;
            insert into video_performers select id, 'Ana Pérez' from videos;
            insert into profiles (user_id, created_at) values ('{Ann}', '2025-01-01Z'), ('{Bob}', '2025-01-01Z');
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
              values ('{Ann}', '{TestVideos.Id(1)}', 'like', '2025-01-02Z'), ('{Bob}', '{TestVideos.Id(1)}', 'like', '2025-01-02Z');
            """);
    }
}
