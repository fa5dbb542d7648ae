-- function: two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[])
-- The conditions on a video "v" that every search shares, as SQL text; only the conditions that are asked for, because each costs the
-- planner and the scan. Its statistics are "s", which may be missing: "from public.videos v left join two_tower.video_statistics s on
-- s.video_id = v.id". It holds no value: those are the parameters
--     $1 maximum safety level, $2 allowed regions, $3 ids to leave out, $4 banned tags by id, $5 banned tags by name,
--     $6 whose decided videos to leave out, $7 the bits of the banned tags and $8 the keys of those without a bit (tag_marks),
--     $9 videos whose bits and keys are out of date.
-- p_changed is what two_tower.changed_tags() says.
-- A null safety level or is_active hides a video: what nobody has judged isn't shown.
-- Each is written so that the planner's statistics apply, or its guess does no harm.
create or replace function two_tower.video_filter(
    p_allowed_regions text[], p_exclude_video_ids uuid[], p_banned_tag_ids uuid[], p_banned_tags text[], p_seen_by uuid, p_changed uuid[])
returns text
language plpgsql stable as $$
begin
    return 'v.is_active and v.safety_level <= $1'
        || case when cardinality(p_allowed_regions) > 0
            then ' and (v.region_codes::text[] = ''{}'' or v.region_codes::text[] && $2 or v.region_codes::text[] is null)' else '' end
        || case when cardinality(p_exclude_video_ids) > 0 then ' and v.id <> all ($3)' else '' end
        || coalesce(' and ' || two_tower.tag_filter('v.id', p_banned_tag_ids, p_banned_tags, p_changed), '')
        || case when p_seen_by is not null
            then ' and not exists (select from public.user_video_decisions d where d.user_id = $6 and d.video_id = v.id offset 0)' else '' end;
end
$$;
