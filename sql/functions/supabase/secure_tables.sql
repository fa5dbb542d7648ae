-- function: two_tower.secure_tables()
-- On Supabase: row level security, policies and grants of the public tables that this program made (two_tower.made_tables), once a table, and
-- not where the project has policies of its own on it. The catalogue is for everyone to read, profiles and decisions are their user's, and
-- service_role does everything. What a project changes afterwards stays.
create or replace function two_tower.secure_tables() returns void
language plpgsql as $$
declare
    v_table name;
    v_statement text;
begin
    for v_table in
        select m.table_name
        from two_tower.made_tables m join pg_catalog.pg_class c on c.oid = to_regclass(format('public.%I', m.table_name))
        where m.secured_at is null and pg_has_role(c.relowner, 'usage')
            and not exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
        order by 1
    loop
        execute format('alter table public.%I enable row level security', v_table);
        execute format('revoke all on public.%I from public, anon, authenticated', v_table);
        execute format('grant select, insert, update, delete on public.%I to service_role', v_table);
        for v_statement in
            select s.statement
            from (values
                ('videos', 'grant select on public.videos to anon, authenticated'),
                ('videos', 'create policy "TwoTower: everyone reads active videos" on public.videos
                    for select to anon, authenticated using (is_active)'),
                ('video_tags', 'grant select on public.video_tags to anon, authenticated'),
                ('video_tags', 'create policy "TwoTower: everyone reads the tags of active videos" on public.video_tags
                    for select to anon, authenticated using (exists (select from public.videos v where v.id = video_id and v.is_active))'),
                ('video_performers', 'grant select on public.video_performers to anon, authenticated'),
                ('video_performers', 'create policy "TwoTower: everyone reads the performers of active videos" on public.video_performers
                    for select to anon, authenticated using (exists (select from public.videos v where v.id = video_id and v.is_active))'),
                -- Not when the profile was made: how much a user counts grows with that (two_tower.refresh_video_statistics).
                ('profiles', 'grant select, insert (user_id, display_name), update (user_id, display_name) on public.profiles to authenticated'),
                ('profiles', 'create policy "TwoTower: users read their profile" on public.profiles
                    for select to authenticated using (user_id = (select auth.uid()))'),
                ('profiles', 'create policy "TwoTower: users make their profile" on public.profiles
                    for insert to authenticated with check (user_id = (select auth.uid()))'),
                ('profiles', 'create policy "TwoTower: users change their profile" on public.profiles
                    for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))'),
                -- Not when: how much a user counts, and how many decisions of a day, goes by that (two_tower.refresh_video_statistics).
                ('user_video_decisions', 'grant select, insert (user_id, video_id, decision_type) on public.user_video_decisions to authenticated'),
                ('user_video_decisions', 'create policy "TwoTower: users read their decisions" on public.user_video_decisions
                    for select to authenticated using (user_id = (select auth.uid()))'),
                ('user_video_decisions', 'create policy "TwoTower: users add to their decisions" on public.user_video_decisions
                    for insert to authenticated with check (user_id = (select auth.uid()))'),
                ('user_embeddings', 'grant select on public.user_embeddings to authenticated'),
                ('user_embeddings', 'create policy "TwoTower: users read their vector" on public.user_embeddings
                    for select to authenticated using (user_id = (select auth.uid()))'),
                ('video_embeddings', 'create policy "TwoTower: service_role alone" on public.video_embeddings
                    for select to service_role using (true)')) as s (table_name, statement)
            where s.table_name = v_table
        loop
            execute v_statement;
        end loop;
        update two_tower.made_tables set secured_at = clock_timestamp() where table_name = v_table;
    end loop;
end
$$;
