-- function: two_tower.tag_keys(uuid[], text[])
-- What two_tower.video_statistics.tag_keys has for tags, by their ids and by their names: 64 bits of the id where tags have uuids, otherwise of
-- the name. Two tags with one key would hide each other's videos: of a million tags there is such a pair with a probability of 3 in 10^8.
create or replace function two_tower.tag_keys(p_tag_ids uuid[], p_tag_names text[])
returns bigint[]
language plpgsql stable as $$
declare
    v_keys bigint[];
begin
    if two_tower.tags_have_uuids() then
        execute 'select array_agg(hashtextextended(i.id::text collate "C", 0))
            from (select unnest($1) as id union select t.id from public.tags t where t.name::text = any ($2)) i where i.id is not null'
        into v_keys using p_tag_ids, p_tag_names;
    else
        select array_agg(hashtextextended(n.name collate "C", 0)) into v_keys from unnest(p_tag_names) as n (name) where n.name is not null;
    end if;
    return coalesce(v_keys, '{}');
end
$$;
