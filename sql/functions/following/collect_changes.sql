-- function: two_tower.collect_changes(integer)
-- Moves what the triggers wrote into the queue, up to p_limit changes, oldest first; returns their number. The queue's enqueued_at is
-- when the oldest change was made that has no vector yet. Several may collect at once: none waits for another's changes.
create or replace function two_tower.collect_changes(p_limit int)
returns bigint
language sql as $$
    with taken as (
        delete from two_tower.embedding_changes
        where change_id in (
            select c.change_id from two_tower.embedding_changes c order by c.change_id limit p_limit for update skip locked)
        returning video_id, changed_at),
    queued as (
        insert into two_tower.embedding_queue (video_id, enqueued_at)
        select t.video_id, min(t.changed_at) from taken t group by t.video_id order by t.video_id
        on conflict (video_id) do update
            set change_id = nextval('two_tower.embedding_change_id'), lease_owner = null, lease_until = null, attempts = 0,
                last_error = null)
    select count(*) from taken
$$;
