-- function: two_tower.note_relinked_videos()
-- Trigger of public.video_tags and public.video_performers, once a statement, whether they hold names or ids of names, and of
-- two_tower.video_features.
create or replace function two_tower.note_relinked_videos() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_ids uuid[];
begin
    if tg_op = 'INSERT' then
        select array_agg(distinct n.video_id) into v_ids from new_rows n where n.video_id is not null;
    elsif tg_op = 'DELETE' then
        select array_agg(distinct o.video_id) into v_ids from old_rows o where o.video_id is not null;
    elsif tg_op = 'TRUNCATE' then
        select array_agg(v.id) into v_ids from public.videos v where v.id is not null;
    else
        -- Not compared: what such a table has besides is its owner's, and may not be comparable. What hasn't changed is found to be so.
        select array_agg(r.video_id) into v_ids from (select o.video_id from old_rows o union select n.video_id from new_rows n) r where r.video_id is not null;
    end if;
    if v_ids is null then
        return null;
    end if;

    insert into two_tower.embedding_changes (video_id) select unnest(v_ids);
    -- What a search by tags looks at itself until the tags are counted anew (two_tower.changed_tags).
    if tg_table_schema = 'public' and tg_table_name = 'video_tags' then
        insert into two_tower.tag_changes (video_id) select unnest(v_ids);
    end if;
    perform pg_notify('two_tower_videos', '');
    return null;
end
$$;
