-- function: two_tower.note_changed_videos()
-- Trigger of public.videos, once a statement. An update counts where it changes something that a payload has (two_tower.item_payloads),
-- or whether the video is shown; a title doesn't. An id that is NULL is no video. With the rights of its owner: who may change a video needn't know of this schema.
create or replace function two_tower.note_changed_videos() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into two_tower.embedding_changes (video_id) select n.id from new_rows n where n.id is not null;
    elsif tg_op = 'DELETE' then
        insert into two_tower.embedding_changes (video_id) select o.id from old_rows o where o.id is not null;
    else
        insert into two_tower.embedding_changes (video_id)
        select coalesce(n.id, o.id)
        from old_rows o full join new_rows n on n.id = o.id
        where coalesce(n.id, o.id) is not null and (o.id is null or n.id is null
            or (o.price, o.duration_seconds, o.product_released_at, o.distribution_started_at, o.safety_level, o.region_codes, o.is_active)
                is distinct from
                (n.price, n.duration_seconds, n.product_released_at, n.distribution_started_at, n.safety_level, n.region_codes, n.is_active));
    end if;
    if found and tg_op = 'INSERT' then
        insert into two_tower.tag_changes (video_id) select n.id from new_rows n where n.id is not null;      -- their tags aren't counted yet
    end if;
    if found then
        perform pg_notify('two_tower_videos', '');
    end if;
    return null;
end
$$;
