-- function: two_tower.activate_release(text, text, text)
-- Makes a ready release the one that is served: one short transaction that moves a row. The one that was served goes back to ready
-- and keeps its vectors, so that rolling back is the same call with its name. Listeners on two_tower_release get the new version;
-- whoever cannot listen reads the pointer. Returns what it was before; changed is false when it was active already.
create or replace function two_tower.activate_release(p_model_version text, p_actor text, p_reason text,
    out changed boolean, out previous_model_version text)
language plpgsql as $$
declare
    v_next two_tower.releases;
    v_previous two_tower.releases;
    v_pointed bigint;
    v_activation bigint;
begin
    -- The pointer's row lock puts two activations in order; the second sees what the first did.
    select a.release_id into v_pointed from two_tower.active_release a for update;
    select * into v_next from two_tower.releases r where r.model_version = p_model_version for update;
    if v_next.release_id is null then
        raise exception 'there is no release %', p_model_version using errcode = 'TT104';
    end if;
    select * into v_previous from two_tower.releases r where r.release_id = v_pointed for update;
    previous_model_version := v_previous.model_version;
    changed := v_pointed is distinct from v_next.release_id;
    if not changed then
        return;
    end if;
    if v_next.state <> 'ready' then
        raise exception 'release % is % and cannot be activated: only a ready release can', p_model_version, v_next.state
            using errcode = 'TT101';
    end if;
    if to_regclass(format('two_tower.video_embeddings_%s', v_next.release_id)) is null then
        raise exception 'release % has no vectors: embed it first', p_model_version using errcode = 'TT101';
    end if;

    -- Everybody gets it now: an experiment with it is over. One with another release goes on beside the new active one.
    update two_tower.experiments x
    set stopped_at = clock_timestamp(), stopped_by = coalesce(nullif(p_actor, ''), session_user), stop_reason = 'its release was activated'
    where x.release_id = v_next.release_id and x.stopped_at is null;
    insert into two_tower.activations (release_id, model_version, previous_release_id, previous_model_version, actor, reason)
    values (v_next.release_id, v_next.model_version, v_previous.release_id, v_previous.model_version,
        coalesce(nullif(p_actor, ''), session_user), p_reason)
    returning activation_id into v_activation;
    update two_tower.active_release
    set release_id = v_next.release_id, activation_id = v_activation, activated_at = clock_timestamp();
    if v_previous.release_id is not null then
        perform two_tower.transition_release(v_previous.model_version, 'ready', p_actor,
            format('superseded by %s', v_next.model_version));
    end if;
    perform two_tower.transition_release(v_next.model_version, 'active', p_actor, p_reason);
    perform pg_notify('two_tower_release', v_next.model_version);
end
$$;
