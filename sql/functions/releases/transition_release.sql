-- function: two_tower.transition_release(text, text, text, text)
-- Moves a release to another state, recording who and why. Returns its id. Idempotent: already there is not an error.
create or replace function two_tower.transition_release(p_model_version text, p_state text, p_actor text, p_reason text)
returns bigint
language plpgsql as $$
declare
    v_id bigint;
begin
    -- Local to the transaction, and emptied again below: a later statement in it must not be recorded under this name.
    perform set_config('two_tower.actor', coalesce(p_actor, ''), true), set_config('two_tower.reason', coalesce(p_reason, ''), true);
    update two_tower.releases set state = p_state
    where model_version = p_model_version and state <> p_state
    returning release_id into v_id;
    perform set_config('two_tower.actor', '', true), set_config('two_tower.reason', '', true);

    if v_id is null then
        select release_id into v_id from two_tower.releases where model_version = p_model_version;
        if v_id is null then
            raise exception 'there is no release %', p_model_version using errcode = 'TT104';
        end if;
    end if;
    return v_id;
end
$$;
