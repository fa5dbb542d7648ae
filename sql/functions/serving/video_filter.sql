-- function: two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[])
-- The conditions on a video "v" that every search shares, as SQL text; only the conditions that are asked for, because each costs the
-- planner and the scan. Its statistics are "s", which may be missing: "from public.videos v left join two_tower.video_statistics s on
-- s.video_id = v.id". It holds no value: those are the parameters
--     $1 maximum safety level, $2 allowed regions, $3 ids to leave out, $4 banned tags by id, $5 banned tags by name,
--     $6 whose decided videos to leave out, $7 the keys of the banned tags, $8 videos whose keys are out of date.
-- p_changed is what two_tower.changed_tags() says: null where the keys can't be relied on, and the tags themselves are looked at.
-- A null safety level or is_active hides a video: what nobody has judged isn't shown.
-- Each is written so that the planner's statistics apply: it chooses between the index's order and an exact sort by them.
create or replace function two_tower.video_filter(
    p_allowed_regions text[], p_exclude_video_ids uuid[], p_banned_tag_ids uuid[], p_banned_tags text[], p_seen_by uuid, p_changed uuid[])
returns text
language plpgsql stable as $$
declare
    v_tags text := '';
begin
    if cardinality(p_banned_tag_ids) > 0 and not two_tower.tags_have_uuids() then
        raise exception 'p_banned_tag_ids cannot be used: tags have no ids in this database; name them in p_banned_tags'
            using errcode = '22023';
    end if;

    -- "offset 0" keeps each of these a question asked per row of the scan; as a join, the planner would give up the index's order.
    if cardinality(p_banned_tag_ids) > 0 then
        v_tags := ' and not exists (select from two_tower.video_tag_names t where t.video_id = v.id and t.tag_id = any ($4) offset 0)';
    end if;
    if cardinality(p_banned_tags) > 0 then
        v_tags := v_tags || ' and not exists (select from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name = any ($5) offset 0)';
    end if;
    if v_tags <> '' and p_changed is not null then
        v_tags := format(
            ' and case when s.tag_keys is null%s then %s else not s.tag_keys && $7 end',
            case when cardinality(p_changed) > 0 then ' or v.id = any ($8)' else '' end, substr(v_tags, 6));
    end if;

    return 'v.is_active and v.safety_level <= $1'
        || case when cardinality(p_allowed_regions) > 0
            then ' and (v.region_codes::text[] = ''{}'' or v.region_codes::text[] && $2 or v.region_codes::text[] is null)' else '' end
        || case when cardinality(p_exclude_video_ids) > 0 then ' and v.id <> all ($3)' else '' end
        || v_tags
        || case when p_seen_by is not null
            then ' and not exists (select from public.user_video_decisions d where d.user_id = $6 and d.video_id = v.id offset 0)' else '' end;
end
$$;
