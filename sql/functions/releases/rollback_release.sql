-- function: two_tower.rollback_release(text, text)
-- Activates the release that was active before and still has its vectors (rollback_target); the one that is left goes to ready. One
-- short transaction, like any activation. The gate isn't asked: what was served was good enough, and going back must always work.
create or replace function two_tower.rollback_release(p_actor text, p_reason text,
    out model_version text, out previous_model_version text)
language plpgsql as $$
begin
    perform from two_tower.active_release a for update;   -- what is decided on stays so
    model_version := two_tower.rollback_target();
    if model_version is null then
        raise exception 'there is nothing to roll back to: no release that was active earlier has its vectors still'
            using errcode = 'TT101';
    end if;
    select a.previous_model_version into previous_model_version
    from two_tower.activate_release(model_version, p_actor, coalesce(p_reason, 'rollback')) a;
    update two_tower.activations a set is_rollback = true
    where a.activation_id = (select p.activation_id from two_tower.active_release p);
end
$$;
