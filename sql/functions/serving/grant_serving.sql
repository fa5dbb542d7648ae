-- function: two_tower.grant_serving(name)
-- Lets a role do what the API does for viewers, and nothing to releases but the automatic rollback: it owns nothing, and makes and drops no
-- table (docs/deploy.md). To be called by the role that owns the tables and embeds: releases to come are readable to the role, too.
create or replace function two_tower.grant_serving(p_role name) returns void
language plpgsql as $$
declare
    v_names text;
begin
    execute format('grant usage on schema two_tower, @vector_schema@ to %I', p_role);
    execute format('grant select on all tables in schema two_tower to %I', p_role);
    execute format('alter default privileges in schema two_tower grant select on tables to %I', p_role);
    for v_names in
        select t.name from unnest(array['profiles', 'videos', 'video_tags', 'video_performers', 'tags', 'performers']) as t (name)
        where to_regclass('public.' || t.name) is not null
    loop
        execute format('grant select on public.%I to %I', v_names, p_role);
    end loop;
    execute format('grant select, insert on public.user_video_decisions to %I', p_role);
    execute format('grant insert, update, delete on two_tower.video_statistics, two_tower.serving_counts, two_tower.serving_faults to %I', p_role);
    execute format('grant delete on two_tower.tag_changes to %I', p_role);
    execute format('grant insert, delete on two_tower.user_arrivals to %I', p_role);
    execute format('grant insert on two_tower.impressions to %I', p_role);
    execute format('grant insert, update on two_tower.impression_days to %I', p_role);
    execute format('grant update on two_tower.rollback_checks to %I', p_role);
    execute format(
        'grant execute on function two_tower.impression_partition(date), two_tower.drop_impressions(int, bigint, int), '
        'two_tower.undo_activation(bigint, text, text, jsonb) to %I', p_role);
end
$$;
