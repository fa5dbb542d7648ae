-- function: two_tower.video_filter(text[], uuid[], uuid[], text[])
-- The conditions on a video "v" that every search shares, as SQL text; only the conditions that are asked for, because each costs the
-- planner and the scan. It holds no value: those are the parameters
--     $1 maximum safety level, $2 allowed regions, $3 ids to leave out, $4 banned tags by id, $5 banned tags by name.
-- A null safety level or is_active hides a video: what nobody has judged isn't shown.
-- Each is written so that the planner's statistics apply: it chooses between the index's order and an exact sort by them.
create or replace function two_tower.video_filter(
    p_allowed_regions text[], p_exclude_video_ids uuid[], p_banned_tag_ids uuid[], p_banned_tags text[])
returns text
language plpgsql stable as $$
begin
    if cardinality(p_banned_tag_ids) > 0 and not exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = to_regclass('public.video_tags') and a.attname = 'tag_id' and not a.attisdropped) then
        raise exception 'p_banned_tag_ids cannot be used: tags have no ids in this database; name them in p_banned_tags'
            using errcode = '22023';
    end if;

    return 'v.is_active and v.safety_level <= $1'
        || case when cardinality(p_allowed_regions) > 0
            then ' and (v.region_codes::text[] = ''{}'' or v.region_codes::text[] && $2 or v.region_codes::text[] is null)' else '' end
        || case when cardinality(p_exclude_video_ids) > 0 then ' and v.id <> all ($3)' else '' end
        -- "offset 0" keeps each of these a question asked per row of the scan; as a join, the planner would give up the index's order.
        || case when cardinality(p_banned_tag_ids) > 0
            then ' and not exists (select from two_tower.video_tag_names t where t.video_id = v.id and t.tag_id = any ($4) offset 0)'
            else '' end
        || case when cardinality(p_banned_tags) > 0
            then ' and not exists (select from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name = any ($5) offset 0)'
            else '' end;
end
$$;
