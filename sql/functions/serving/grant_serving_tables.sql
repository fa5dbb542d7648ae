-- function: two_tower.grant_serving_tables(name)
-- What grant_serving gives a role in this program's own schema, and nothing of the public tables.
create or replace function two_tower.grant_serving_tables(p_role name) returns void
language plpgsql as $$
begin
    execute format('grant usage on schema two_tower to %I', p_role);
    -- A schema of somebody else's may be open to the role without our having anything to give.
    if not has_schema_privilege(p_role, to_regnamespace('@vector_schema@')::oid, 'usage') then
        execute format('grant usage on schema @vector_schema@ to %I', p_role);
    end if;
    execute format('grant select on all tables in schema two_tower to %I', p_role);
    execute format('alter default privileges in schema two_tower grant select on tables to %I', p_role);
    execute format('grant insert, update, delete on two_tower.video_statistics, two_tower.serving_counts, two_tower.serving_faults to %I', p_role);
    execute format('grant delete on two_tower.tag_changes, two_tower.given_user_ids to %I', p_role);
    execute format('grant insert, update, delete on two_tower.tag_bits to %I', p_role);
    execute format('grant insert, delete on two_tower.user_arrivals, two_tower.decision_arrivals to %I', p_role);
    execute format('grant insert on two_tower.impressions to %I', p_role);
    execute format('grant insert, update on two_tower.impression_days to %I', p_role);
    execute format('grant update on two_tower.rollback_checks to %I', p_role);
    execute format(
        'grant execute on function two_tower.impression_partition(date), two_tower.drop_impressions(int, bigint, int), '
        'two_tower.undo_activation(bigint, text, text, jsonb) to %I', p_role);
end
$$;
