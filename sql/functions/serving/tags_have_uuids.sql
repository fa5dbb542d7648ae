-- function: two_tower.tags_have_uuids()
-- Whether the links of videos and tags have uuids of tags, and no names.
create or replace function two_tower.tags_have_uuids()
returns boolean
language sql stable as $$
    select count(*) filter (where a.attname = 'tag_id' and a.atttypid = 'uuid'::regtype) = 1 and count(*) filter (where a.attname = 'tag_name') = 0
    from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass('public.video_tags') and a.attname in ('tag_id', 'tag_name') and not a.attisdropped
$$;
