-- function: two_tower.nearest_videos(real[], integer, integer, text[], uuid[], text[], text, uuid, integer)
-- The search of a recommendation, with what a response shows of each video: one round trip, and a plan that the session keeps.
create or replace function two_tower.nearest_videos(
    p_embedding real[],
    p_limit int,
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_model_version text,
    p_seen_by uuid,
    p_looked_at int default null)
returns table (
    video_id uuid, value double precision, external_id text, title text, thumbnail_url text, duration_seconds int, price numeric,
    released_at timestamptz, tags text[], performers text[])
rows 200
language plpgsql stable as $$
begin
    return query
    select s.video_id, s.similarity, v.external_id::text, v.title::text, v.thumbnail_url::text, case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end,
        two_tower.plain_number(v.price::numeric), two_tower.plain_time(v.product_released_at),
        array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null order by t.tag_name),
        array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null order by p.performer_name)
    from two_tower.search_videos(p_embedding, p_limit, null, p_max_safety_level, p_allowed_regions, p_exclude_video_ids,
        p_banned_tags, p_model_version, p_seen_by, p_looked_at) s
    join public.videos v on v.id = s.video_id
    order by s.similarity desc, s.video_id;
end
$$;
