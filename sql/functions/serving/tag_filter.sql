-- function: two_tower.tag_filter(text, uuid[], text[], uuid[])
-- The condition that a video has no banned tag, as SQL text; null where none is banned. p_video is the video's id in the statement,
-- and "s" the video's row of two_tower.video_statistics, which may be missing. The other values are parameters, as two_tower.video_filter has them.
-- p_changed is what two_tower.changed_tags() says: null where bits and keys can't be relied on, and the tags themselves are looked at.
create or replace function two_tower.tag_filter(p_video text, p_banned_tag_ids uuid[], p_banned_tags text[], p_changed uuid[])
returns text
language plpgsql stable as $$
declare
    v_tags text;
begin
    if cardinality(p_banned_tag_ids) > 0 and not two_tower.tags_have_uuids() then
        raise exception 'p_banned_tag_ids cannot be used: tags have no ids in this database; name them in p_banned_tags'
            using errcode = '22023';
    end if;

    -- "offset 0" keeps each of these a question asked per row of the scan; as a join, the planner would give up the index's order.
    v_tags := concat_ws(
        ' and ',
        case when cardinality(p_banned_tag_ids) > 0
            then format('not exists (select from two_tower.video_tag_names t where t.video_id = %s and t.tag_id = any ($4) offset 0)', p_video) end,
        case when cardinality(p_banned_tags) > 0
            then format('not exists (select from two_tower.video_tag_names t where t.video_id = %s and t.tag_name = any ($5) offset 0)', p_video) end);
    return case
        when v_tags = '' then null
        when p_changed is null then v_tags
        else format(
            'case when s.tag_bits is null%s then %s else %s end',
            case when cardinality(p_changed) > 0 then format(' or %s = any ($9)', p_video) else '' end, v_tags, two_tower.tag_condition()) end;
end
$$;
