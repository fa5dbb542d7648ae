-- function: two_tower.other_release_finds(text, integer, text[], uuid[], text[], uuid, uuid[])
-- Whether an empty answer of a release is its fault: true when the release that a rollback leads to has a vector of a video that passes the
-- filters; where there is none to go back to, when any video passes them. Filters that leave nothing, a user who has seen everything and a
-- video that is too new for either release are nobody's fault.
create or replace function two_tower.other_release_finds(
    p_model_version text,
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_seen_by uuid,
    p_banned_tag_ids uuid[] default null)
returns boolean
language plpgsql stable as $$
declare
    v_target bigint;
    v_finds boolean;
    v_marks record;
    v_changed uuid[] := case when cardinality(p_banned_tags) > 0 or cardinality(p_banned_tag_ids) > 0 then two_tower.changed_tags() end;
begin
    select * into v_marks from two_tower.tag_marks(two_tower.tag_keys(p_banned_tag_ids, p_banned_tags));
    select r.release_id into v_target from two_tower.releases r
    where r.model_version = two_tower.rollback_target() and r.model_version <> p_model_version;
    execute format(
        'select exists (select from public.videos v left join two_tower.video_statistics s on s.video_id = v.id where %s%s)',
        two_tower.video_filter(p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by, v_changed),
        case when v_target is null then ''
            else format(' and exists (select from two_tower.video_embeddings_%s e where e.video_id = v.id)', v_target) end)
    into v_finds
    using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
        v_marks.bits, v_marks.others, v_changed;
    return v_finds;
end
$$;
