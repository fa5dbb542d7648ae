-- function: public.two_tower_popular_videos(integer, integer, text[], uuid[], text[], uuid[], uuid, timestamptz)
-- For readers outside of this program: the candidates of popular-and-fresh, for a user without likes (contract, section 9). popularity is a share of
-- the most popular video's, 0..1.
create or replace function public.two_tower_popular_videos(
    p_limit int default 200,
    p_max_safety_level int default 1,
    p_allowed_regions text[] default null,
    p_exclude_video_ids uuid[] default null,
    p_banned_tags text[] default null,
    p_banned_tag_ids uuid[] default null,
    p_seen_by uuid default null,
    p_as_of timestamptz default null)
returns table (
    video_id uuid, popularity double precision, price numeric, released_at timestamptz, external_id text, title text, thumbnail_url text,
    duration_seconds int)
rows 200
language plpgsql stable as $$
begin
    return query
    select p.video_id, p.value, p.price, p.released_at, p.external_id, p.title, p.thumbnail_url, p.duration_seconds
    from two_tower.popular_videos(p_limit, coalesce(p_as_of, statement_timestamp()), p_max_safety_level, p_allowed_regions, p_exclude_video_ids,
        p_banned_tags, p_seen_by, p_banned_tag_ids) p;
end
$$;
