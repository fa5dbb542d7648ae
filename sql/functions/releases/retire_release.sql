-- function: two_tower.retire_release(text, text, text)
-- Moves a release to retired for good; its table is dropped by drop_retired_vectors. Refused for the active one, a pinned one, and one
-- that a process is embedding at this moment. Returns the release's id.
create or replace function two_tower.retire_release(p_model_version text, p_actor text, p_reason text) returns bigint
language plpgsql as $$
declare
    v_owner text;
begin
    perform from two_tower.active_release a for update;   -- nobody activates it meanwhile
    select e.lease_owner into v_owner
    from two_tower.releases r join two_tower.release_embeddings e using (release_id)
    where r.model_version = p_model_version and r.state = 'embedding' and e.lease_until > clock_timestamp();
    if v_owner is not null then
        raise exception 'release % is being embedded by %: stop that first', p_model_version, v_owner using errcode = 'TT101';
    end if;
    return two_tower.transition_release(p_model_version, 'retired', p_actor, p_reason);
end
$$;
