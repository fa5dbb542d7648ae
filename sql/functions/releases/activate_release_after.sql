-- function: two_tower.activate_release_after(text, text, text, text)
-- Activates a release if the active one is still p_expected, null for none: what the gate compared with. Otherwise it refuses (TT105),
-- and the gate must look again. One that was rolled back automatically is refused for good (TT106). What runs by itself calls this; an
-- operator who names a release means it, whatever is active.
create or replace function two_tower.activate_release_after(p_model_version text, p_expected text, p_actor text, p_reason text,
    out changed boolean, out previous_model_version text)
language plpgsql as $$
declare
    v_active text;
begin
    perform from two_tower.active_release a for update;
    select r.model_version into v_active from two_tower.active_release a join two_tower.releases r using (release_id);
    if v_active is distinct from p_expected and v_active is distinct from p_model_version then
        raise exception 'release % was measured against %, and active is % by now: run the gate again',
            p_model_version, coalesce(p_expected, 'none'), coalesce(v_active, 'none') using errcode = 'TT105';
    end if;
    if v_active is distinct from p_model_version and two_tower.lost_release(p_model_version) is not null then
        raise exception 'release % was rolled back automatically (%): it is activated again by hand only', p_model_version,
            two_tower.lost_release(p_model_version) using errcode = 'TT106';
    end if;
    select a.changed, a.previous_model_version into changed, previous_model_version
    from two_tower.activate_release(p_model_version, p_actor, p_reason) a;
end
$$;
