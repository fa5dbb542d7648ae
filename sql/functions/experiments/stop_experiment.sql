-- function: two_tower.stop_experiment(text, text, text)
-- Ends an experiment: from the next request on all users get the active release. True when it was running.
create or replace function two_tower.stop_experiment(p_name text, p_actor text, p_reason text) returns boolean
language plpgsql as $$
begin
    update two_tower.experiments
    set stopped_at = clock_timestamp(), stopped_by = coalesce(nullif(p_actor, ''), session_user), stop_reason = p_reason
    where name = p_name and stopped_at is null;
    if found then
        return true;
    end if;
    if not exists (select from two_tower.experiments x where x.name = p_name) then
        raise exception 'there is no experiment %', p_name using errcode = 'TT108';
    end if;
    return false;
end
$$;
