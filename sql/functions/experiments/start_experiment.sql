-- function: two_tower.start_experiment(text, text, double precision, text, text, text)
-- Gives a share of the users a ready release beside the active one, from the next request on. One runs at a time; a name is used once.
-- Returns the experiment's id.
create or replace function two_tower.start_experiment(
    p_name text, p_model_version text, p_share double precision, p_salt text, p_actor text, p_reason text)
returns bigint
language plpgsql as $$
declare
    v_release two_tower.releases;
    v_running text;
    v_id bigint;
begin
    perform from two_tower.active_release a for update;   -- nobody activates, retires or starts another meanwhile
    select r.* into v_release from two_tower.releases r where r.model_version = p_model_version for update;
    if v_release.release_id is null then
        raise exception 'there is no release %', p_model_version using errcode = 'TT104';
    end if;
    if v_release.state <> 'ready' then
        raise exception 'release % is %: an experiment gives some users a ready release beside the active one', p_model_version, v_release.state
            using errcode = 'TT101';
    end if;
    if not exists (select from two_tower.active_release a where a.release_id is not null) then
        raise exception 'no release is active: there is nothing to compare % with', p_model_version using errcode = 'TT101';
    end if;
    select x.name into v_running from two_tower.experiments x where x.stopped_at is null;
    if v_running is not null then
        raise exception 'experiment % is running, and one runs at a time: stop it first', v_running using errcode = 'TT107';
    end if;
    if exists (select from two_tower.experiments x where x.name = p_name) then
        raise exception 'there was an experiment % already: choose another name', p_name using errcode = 'TT107';
    end if;
    insert into two_tower.experiments (name, release_id, model_version, share, salt, started_by, reason)
    values (p_name, v_release.release_id, p_model_version, p_share, coalesce(nullif(p_salt, ''), 'experiment:' || p_name),
        coalesce(nullif(p_actor, ''), session_user), p_reason)
    returning experiment_id into v_id;
    return v_id;
end
$$;
