-- function: public.recommend_videos_ann(vector, integer, uuid[], integer, text[], uuid[], text[], text)
-- yields to: public.recommend_videos_ann(vector, integer, uuid[], integer, text[], uuid[])
-- The search as the original offers it (contract, section 9), over the active release or the one that p_model_version pins; the last
-- two parameters are ours. p_limit is clamped to 1..500; distance is the cosine distance, 1 - similarity.
create or replace function public.recommend_videos_ann(
    p_embedding vector,
    p_limit int default 50,
    p_banned_tag_ids uuid[] default null,
    p_max_safety_level int default 1,
    p_allowed_regions text[] default null,
    p_exclude_video_ids uuid[] default null,
    p_banned_tags text[] default null,
    p_model_version text default null)
returns table (video_id uuid, distance double precision, similarity double precision)
language plpgsql stable as $$
begin
    return query
    select s.video_id, 1 - s.similarity, s.similarity
    from two_tower.search_videos(p_embedding::real[], p_limit, p_banned_tag_ids, p_max_safety_level, p_allowed_regions, p_exclude_video_ids,
        p_banned_tags, p_model_version, null) s
    order by s.similarity desc, s.video_id;
end
$$;
