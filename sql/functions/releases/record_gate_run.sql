-- function: two_tower.record_gate_run(text, boolean, text, text, text, jsonb)
-- Records what the gate decided about a release, and returns the run's id. Without a passed run since its embedding began, no
-- release becomes ready.
create or replace function two_tower.record_gate_run(
    p_model_version text, p_passed boolean, p_actor text, p_reason text default null, p_compared_with text default null,
    p_numbers jsonb default '{}')
returns bigint
language plpgsql as $$
declare
    v_run bigint;
begin
    insert into two_tower.gate_runs (release_id, model_version, actor, passed, compared_with, reason, numbers)
    select r.release_id, r.model_version, coalesce(nullif(p_actor, ''), session_user), p_passed, p_compared_with, p_reason, p_numbers
    from two_tower.releases r where r.model_version = p_model_version
    returning gate_run_id into v_run;
    if v_run is null then
        raise exception 'there is no release %', p_model_version using errcode = 'TT104';
    end if;
    return v_run;
end
$$;
