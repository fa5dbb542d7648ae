-- function: two_tower.tag_keys(uuid[], text[])
-- What two_tower.video_statistics.tag_keys has for tags, by their ids and by their names: 64 bits of the id's text where tags have ids, of whatever
-- type, otherwise of the name (two_tower.video_tag_names.tag_key). Two tags with one key would hide each other's videos: of a million tags there is such a pair with a probability of 3 in 10^8.
create or replace function two_tower.tag_keys(p_tag_ids uuid[], p_tag_names text[])
returns bigint[]
language plpgsql stable as $$
declare
    v_keys bigint[];
begin
    if exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = to_regclass('public.video_tags') and a.attname = 'tag_name' and not a.attisdropped) then
        select array_agg(hashtextextended(n.name collate "C", 0)) into v_keys from unnest(p_tag_names) as n (name) where n.name is not null;
    else
        execute 'select array_agg(hashtextextended(i.id collate "C", 0))
            from (
                select g.id::text as id from unnest($1) as g (id)
                union
                select t.id::text from public.tags t where t.name::text = any ($2)) i
            where i.id is not null'
        into v_keys using p_tag_ids, p_tag_names;
    end if;
    return coalesce(v_keys, '{}');
end
$$;
