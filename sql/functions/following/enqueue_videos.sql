-- function: two_tower.enqueue_videos(uuid[])
-- Asks for the vectors of these videos to be made anew. One row a video, however often it changes; a change that comes while a
-- worker is at the video gets a new change_id and is free to be leased, so the worker's "done" doesn't cover it. Returns the number of
-- videos. Always in order of id: two who ask for the same videos wait for each other instead of blocking each other.
create or replace function two_tower.enqueue_videos(p_video_ids uuid[])
returns bigint
language sql as $$
    with asked as (
        insert into two_tower.embedding_queue (video_id)
        select v.id from unnest(p_video_ids) as v(id) where v.id is not null group by v.id order by v.id
        on conflict (video_id) do update
            set change_id = nextval('two_tower.embedding_change_id'), lease_owner = null, lease_until = null, attempts = 0,
                last_error = null
        returning 1)
    select count(*) from asked
$$;
