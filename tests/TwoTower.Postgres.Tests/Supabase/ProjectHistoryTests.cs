using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tests.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>Projects with a past: what an earlier version left, and default privileges of their own.</summary>
public class ProjectHistoryTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private static readonly Guid Ann = new("00000000-0000-4000-8000-0000000000a1");

    private const string Executable = """
        select p.oid::regprocedure || ' by ' || r.rolname
        from two_tower.made_functions() m join pg_proc p on p.oid = m.function_oid, pg_roles r
        where r.rolname in ('anon', 'authenticated') and has_function_privilege(r.oid, p.oid, 'execute')
           or r.rolname = 'service_role' and not has_function_privilege(r.oid, p.oid, 'execute')
        """;

    [Theory]
    [MemberData(nameof(AccessTests.Kinds), MemberType = typeof(AccessTests))]
    public async Task Functions_are_closed_where_default_privileges_leave_out_everybody_and_name_the_api_roles(bool exposes, bool secures)
    {
        await using var db = await ProjectAsync(new(exposes, secures));
        await db.ExecuteAsync("""
            alter default privileges revoke execute on functions from public;
            alter default privileges grant execute on functions to anon, authenticated;
            """);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Empty(await db.ListAsync<string>(Executable));

        // As a version before this one left them.
        await OlderDatabase.TakeBackAsync(db, 38);
        await db.ExecuteAsync("grant execute on all functions in schema public, two_tower to anon, authenticated");
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Empty(await db.ListAsync<string>(Executable));

        // A function that is made again is a new one; what the project grants on others stays.
        await db.ExecuteAsync("""
            grant execute on function get_item_embedding_features(uuid) to anon;
            drop function two_tower_active_release();
            """);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(["get_item_embedding_features(uuid) by anon"], await db.ListAsync<string>(Executable));
    }

    [Fact]
    public async Task What_a_project_granted_on_functions_before_they_were_noted_stays()
    {
        await using var db = await ProjectAsync(new(true, false));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await OlderDatabase.TakeBackAsync(db, 38);
        await db.ExecuteAsync("grant execute on function get_item_embedding_features(uuid) to anon");
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(["get_item_embedding_features(uuid) by anon"], await db.ListAsync<string>(Executable));
    }

    [Fact]
    public async Task Users_who_could_date_their_decisions_no_longer_can()
    {
        await using var db = await ProjectAsync(new(true, false));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync($"insert into videos (id, title) values ('{TestVideos.Id(1)}', 'x')");
        const string Policy = "create policy \"TwoTower: users add to their decisions\" on user_video_decisions for insert to authenticated "
            + "with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes')";
        foreach (var granted in new[] { true, false })
        {
            await OlderDatabase.TakeBackAsync(db, 39);
            await db.ExecuteAsync($"drop policy \"TwoTower: users add to their decisions\" on user_video_decisions; {Policy}");
            await db.ExecuteAsync("revoke insert on user_video_decisions from authenticated");
            if (granted) await db.ExecuteAsync("grant insert on user_video_decisions to authenticated");
            await Migrator.MigrateAsync(db.DataSource, null, default);
            Assert.Equal("42501", await db.TryAsync(
                "authenticated", Ann, $"insert into user_video_decisions values ('{Ann}', '{TestVideos.Id(1)}', 'like', '2024-01-01Z')"));
            Assert.Equal(granted ? "ok" : "42501", await db.TryAsync(
                "authenticated", Ann, $"insert into user_video_decisions (user_id, video_id, decision_type) values ('{Ann}', '{TestVideos.Id(1)}', 'like')"));
        }

        Assert.True(await db.ScalarAsync<bool>("select created_at > now() - interval '1 hour' from user_video_decisions"));
    }

    [Theory]
    [InlineData("my-api")]
    [InlineData("My \"Api\"")]
    public async Task A_role_whose_name_needs_quotes_serves_on(string role)
    {
        await using var db = await ProjectAsync(new(false, true));
        var quoted = $"\"{role.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        await db.ExecuteAsync($"create role {quoted} login; grant {quoted} to postgres");
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync($"select two_tower.grant_serving('{role}')");
        await db.ExecuteAsync($"insert into videos (id, title) values ('{TestVideos.Id(1)}', 'x')");
        await OlderDatabase.TakeBackAsync(db, 39);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Equal(1L, Assert.Single(await db.AsAsync(role, null, "select count(*) from videos")));
        Assert.Equal(
            "ok", await db.TryAsync(role, null, $"select two_tower.record_decision('{Ann}', '{TestVideos.Id(1)}', 'like', '2024-01-01Z')"));
    }

    private async Task<TestDatabase> ProjectAsync(SupabaseProject kind)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        return await server.CreateProjectAsync(kind);
    }
}
