-- function: two_tower.undo_activation(bigint, text, text, jsonb)
-- Rolls back if the activation that was judged is still the one that is served; any number of replicas may come to the same decision
-- and one of them carries it out. Both are null when another was first, an operator activated something meanwhile, or there is nothing
-- to go back to. The numbers that it was decided by are kept with the activation that it makes. With its owner's rights: who serves may go
-- back, and not activate what it likes.
create or replace function two_tower.undo_activation(p_activation_id bigint, p_actor text, p_reason text, p_numbers jsonb,
    out model_version text, out undone_model_version text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Whoever waited for the lock looks at the row anew.
    perform from two_tower.active_release a where a.activation_id = p_activation_id for update;
    if not found or two_tower.rollback_target() is null then
        return;
    end if;
    select r.model_version, r.previous_model_version into model_version, undone_model_version
    from two_tower.rollback_release(p_actor, p_reason) r;
    update two_tower.activations a set undid_activation_id = p_activation_id, numbers = p_numbers
    where a.activation_id = (select p.activation_id from two_tower.active_release p);
end
$$;

revoke execute on function two_tower.undo_activation(bigint, text, text, jsonb) from public;
