-- function: two_tower.rollback_target()
-- Where a rollback leads: the release that was active before the active one came, or, where its vectors are gone, the one before that,
-- and so on; null with none. Activations that were rollbacks themselves don't count: after going back from C to B, the way back from B
-- leads to A.
create or replace function two_tower.rollback_target() returns text
language plpgsql stable as $$
declare
    v_at bigint;
    v_activation two_tower.activations;
    v_target text;
begin
    select a.release_id, a.activation_id + 1 into v_at, v_activation.activation_id from two_tower.active_release a;
    loop
        -- Only ever earlier activations: this ends.
        select a.* into v_activation from two_tower.activations a
        where a.release_id = v_at and not a.is_rollback and a.activation_id < v_activation.activation_id
        order by a.activation_id desc limit 1;
        v_at := v_activation.previous_release_id;
        if v_at is null then
            return null;
        end if;
        select r.model_version into v_target from two_tower.releases r
        where r.release_id = v_at and r.state = 'ready'
            and to_regclass(format('two_tower.video_embeddings_%s', r.release_id)) is not null;
        if v_target is not null then
            return v_target;
        end if;
    end loop;
end
$$;
