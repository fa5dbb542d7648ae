-- function: two_tower.free_release_files(bigint)
-- Gives the bytes of a retired release's files back; their paths, sizes and hashes stay. Returns the bytes freed now. The server uses their
-- space again after its next vacuum of the table.
create or replace function two_tower.free_release_files(p_release_id bigint) returns bigint
language plpgsql as $$
declare
    v_freed bigint;
begin
    if exists (select from two_tower.releases r where r.release_id = p_release_id and r.state <> 'retired') then
        raise exception 'release % is not retired: its files stay', p_release_id using errcode = 'TT103';
    end if;
    with freed as (
        update two_tower.release_files f set content = null
        where f.release_id = p_release_id and f.content is not null
        returning f.size)
    select coalesce(sum(s.size), 0)::bigint into v_freed from freed s;
    return v_freed;
end
$$;
