using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>The rules of Supabase's Advisor (github.com/supabase/splinter) that a schema can break, over what a migration makes.</summary>
public class AdvisorTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    // By the rule's name; each gives what breaks it.
    private static readonly (string Rule, string Query)[] Rules =
    [
        ("rls_disabled_in_public", """
            select c.relname::text from pg_class c
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity
            """),
        (
            "policy_exists_rls_disabled",
            "select c.relname::text from pg_policy p join pg_class c on c.oid = p.polrelid where not c.relrowsecurity"),
        ("rls_enabled_no_policy", """
            select c.relname::text from pg_class c
            where c.relnamespace in ('public'::regnamespace, 'two_tower'::regnamespace) and c.relrowsecurity
              and not exists (select from pg_policy p where p.polrelid = c.oid)
            """),
        ("auth_rls_initplan", """
            select format('%s %s', p.tablename, p.policyname) from pg_policies p
            where regexp_replace(concat(p.qual, ' ', p.with_check), 'select auth\.(uid|jwt|role|email)\(\)', '', 'gi') ~* 'auth\.(uid|jwt|role|email)\(\)'
            """),
        ("multiple_permissive_policies", """
            select format('%s %s %s', p.tablename, r.role, a.act)
            from pg_policies p, unnest(p.roles) as r (role), unnest(case when p.cmd = 'ALL' then '{SELECT,INSERT,UPDATE,DELETE}' else array[p.cmd] end) as a (act)
            where p.permissive = 'PERMISSIVE' group by p.tablename, r.role, a.act having count(*) > 1
            """),
        ("rls_policy_always_true", """
            select format('%s %s', p.tablename, p.policyname) from pg_policies p
            where p.roles && '{public,anon,authenticated}' and (p.with_check = 'true' or p.cmd <> 'SELECT' and p.qual = 'true')
            """),
        ("function_search_path_mutable", """
            select p.oid::regprocedure::text from pg_proc p
            where p.pronamespace in ('public'::regnamespace, 'two_tower'::regnamespace)
              and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
              and not exists (select from unnest(p.proconfig) as c (setting) where c.setting like 'search_path=%')
            """),
        ("security_definer_view", """
            select c.relname::text from pg_class c
            where c.relkind = 'v' and c.relnamespace in ('public'::regnamespace, 'two_tower'::regnamespace)
              and not coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=1}'
            """),
        (
            "materialized_view_in_api",
            "select c.relname::text from pg_class c where c.relkind = 'm' and c.relnamespace = 'public'::regnamespace"),
        ("anon_security_definer_function_executable", """
            select format('%s %s', r.rolname, p.oid::regprocedure) from pg_proc p, pg_roles r
            where p.prosecdef and p.prorettype <> 'event_trigger'::regtype and p.pronamespace in ('public'::regnamespace, 'two_tower'::regnamespace)
              and r.rolname in ('anon', 'authenticated') and has_function_privilege(r.oid, p.oid, 'execute')
            """),
        ("extension_in_public", "select e.extname::text from pg_extension e where e.extnamespace = 'public'::regnamespace"),
        ("duplicate_index", """
            select string_agg(i.indexname, ' ') from pg_indexes i where i.schemaname in ('public', 'two_tower')
            group by i.tablename, replace(i.indexdef, i.indexname, '') having count(*) > 1
            """),
        ("no_primary_key", """
            select c.relname::text from pg_class c
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
            """),
    ];

    public static TheoryData<bool, bool> Kinds => AccessTests.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_advisor_finds_nothing(bool exposes, bool secures)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        await using var db = await server.CreateProjectAsync(new(exposes, secures));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync("select two_tower.impression_partition(current_date)");
        foreach (var (rule, query) in Rules) Assert.Equal($"{rule}: ", $"{rule}: {string.Join(", ", await db.ListAsync<string>(query))}");
    }

    [Fact]
    public async Task Each_rule_finds_what_breaks_it()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        await using var db = await server.CreateProjectAsync(new(true, false));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync("""
            create table public.open (id int);
            create policy everyone on public.open for all using (true);
            create policy again on public.open for select using (auth.uid() is not null);
            create table public.closed (id int primary key);
            alter table public.closed enable row level security;
            create view public.seen as select * from public.open;
            create materialized view public.copied as select * from public.open;
            create function public.definer() returns int language sql security definer as 'select 1';
            create extension citext with schema public;
            create index one on public.closed (id) where id > 1;
            create index two on public.closed (id) where id > 1;
            """);
        foreach (var (rule, query) in Rules) Assert.False((await db.ListAsync<string>(query)).Count == 0, rule);
    }
}
