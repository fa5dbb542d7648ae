-- function: public.two_tower_search(text, real[], integer, integer, text[], uuid[], text[], uuid[], uuid)
-- For readers outside of this program: the videos of one release nearest to a vector, with what re-ranking and a list need of each (contract, section
-- 9). The release is named, so that a vector never meets another model's. p_seen_by leaves out what that user has decided on.
create or replace function public.two_tower_search(
    p_model_version text,
    p_embedding real[],
    p_limit int default 200,
    p_max_safety_level int default 1,
    p_allowed_regions text[] default null,
    p_exclude_video_ids uuid[] default null,
    p_banned_tags text[] default null,
    p_banned_tag_ids uuid[] default null,
    p_seen_by uuid default null)
returns table (
    video_id uuid, similarity double precision, price numeric, released_at timestamptz, external_id text, title text, thumbnail_url text,
    duration_seconds int)
rows 200
language plpgsql stable as $$
begin
    if p_model_version is null then
        raise exception 'p_model_version is missing: name the release whose user tower made p_embedding' using errcode = '22023';
    end if;
    return query
    select s.video_id, s.similarity, two_tower.plain_number(v.price::numeric), two_tower.plain_time(v.product_released_at), v.external_id::text,
        v.title::text, v.thumbnail_url::text, case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end
    from two_tower.search_videos(p_embedding, p_limit, p_banned_tag_ids, p_max_safety_level, p_allowed_regions, p_exclude_video_ids,
        p_banned_tags, p_model_version, p_seen_by) s
    join public.videos v on v.id = s.video_id
    order by s.similarity desc, s.video_id;
end
$$;
