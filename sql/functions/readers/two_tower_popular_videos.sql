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
declare
    v_banned text[] := p_banned_tags;
begin
    if cardinality(p_banned_tag_ids) > 0 then
        if not two_tower.tags_have_uuids() then
            raise exception 'p_banned_tag_ids cannot be used: tags have no ids in this database; name them in p_banned_tags' using errcode = '22023';
        end if;
        v_banned := array_cat(v_banned, array(select distinct t.tag_name from two_tower.video_tag_names t where t.tag_id = any (p_banned_tag_ids)));
    end if;
    return query
    select p.video_id, p.value, p.price, p.released_at, p.external_id, p.title, p.thumbnail_url, p.duration_seconds
    from two_tower.popular_videos(p_limit, coalesce(p_as_of, statement_timestamp()), p_max_safety_level, p_allowed_regions, p_exclude_video_ids,
        v_banned, p_seen_by) p;
end
$$;
