-- A video's tags have a key each in video_statistics, by which a search looks for banned ones: of the tag's id where tags have ids, be they uuids,
-- numbers or texts, otherwise of its name. The view says of what.
do $$
declare
    v_type regtype;
begin
    if exists (
        select from pg_attribute a where a.attrelid = 'public.video_tags'::regclass and a.attname = 'tag_name' and not a.attisdropped) then
        create or replace view two_tower.video_tag_names with (security_invoker = true) as
            select t.video_id, null::uuid as tag_id, t.tag_name::text as tag_name, t.tag_name::text as tag_key
            from public.video_tags t;
        return;
    end if;

    select a.atttypid::regtype into strict v_type
    from pg_attribute a where a.attrelid = 'public.video_tags'::regclass and a.attname = 'tag_id' and not a.attisdropped;
    execute format(
        'create or replace view two_tower.video_tag_names with (security_invoker = true) as
            select t.video_id, %s as tag_id, n.name::text as tag_name, n.id::text as tag_key
            from public.video_tags t join public.tags n on n.id = t.tag_id',
        case when v_type = 'uuid'::regtype then 't.tag_id' else 'null::uuid' end);
    -- Until now the keys of other ids were of names, and no search went by them.
    if v_type <> 'uuid'::regtype then
        insert into two_tower.tag_changes (video_id) select v.id from public.videos v;
    end if;
end
$$;
