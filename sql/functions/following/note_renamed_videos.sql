-- function: two_tower.note_renamed_videos()
-- Trigger of public.tags and public.performers where a deployment has them, once a statement: all videos that carry a name that changed.
-- A new name is on no video yet, and a deleted one is off its videos by their own trigger; where nothing ties the two, by the sweep.
create or replace function two_tower.note_renamed_videos() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_table_name = 'tags' then
        insert into two_tower.embedding_changes (video_id)
        select distinct l.video_id
        from old_rows o full join new_rows n on n.id = o.id join public.video_tags l on l.tag_id = coalesce(n.id, o.id)
        where o.name is distinct from n.name and l.video_id is not null;
    else
        insert into two_tower.embedding_changes (video_id)
        select distinct l.video_id
        from old_rows o full join new_rows n on n.id = o.id join public.video_performers l on l.performer_id = coalesce(n.id, o.id)
        where o.name is distinct from n.name and l.video_id is not null;
    end if;
    if found then
        perform pg_notify('two_tower_videos', '');
    end if;
    return null;
end
$$;
