-- function: two_tower.drop_retired_vectors(bigint, int)
-- Drops the vectors of a retired release, waiting p_wait_ms at most for those who are still reading them: while a drop waits for its
-- lock, new readers of that table wait behind it, so a wait must be short and tried again. True when the table is gone.
create or replace function two_tower.drop_retired_vectors(p_release_id bigint, p_wait_ms int) returns boolean
language plpgsql as $$
declare
    v_table text := format('two_tower.video_embeddings_%s', p_release_id);
begin
    if exists (select from two_tower.releases r where r.release_id = p_release_id and r.state <> 'retired') then
        raise exception 'release % is not retired: its vectors stay', p_release_id using errcode = 'TT103';
    end if;
    delete from two_tower.embedding_shares s where s.release_id = p_release_id;   -- of an embedding that nobody ended
    perform set_config('lock_timeout', p_wait_ms || 'ms', true);
    execute format('drop table if exists %s', v_table);
    return true;
exception when lock_not_available then
    return false;
end
$$;
