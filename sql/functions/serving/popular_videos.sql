-- function: two_tower.popular_videos(integer, timestamptz, integer, text[], uuid[], text[], uuid, uuid[])
-- Candidates of the popular-and-fresh strategy, with what a response shows of each: the p_limit most popular and the p_limit newest
-- videos that pass the filters; where those are fewer than p_limit, also videos that aren't counted yet. value is the popularity as a
-- share of the most popular video's, 0..1.
create or replace function two_tower.popular_videos(
    p_limit int,
    p_as_of timestamptz,
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_seen_by uuid,
    p_banned_tag_ids uuid[] default null)
returns table (
    video_id uuid, value double precision, external_id text, title text, thumbnail_url text, duration_seconds int, price numeric,
    released_at timestamptz, tags text[], performers text[])
rows 200
language plpgsql stable as $$
declare
    v_limit int := least(greatest(coalesce(p_limit, 50), 1), 500);
    v_marks record;
    v_changed uuid[] := case when cardinality(p_banned_tags) > 0 or cardinality(p_banned_tag_ids) > 0 then two_tower.changed_tags() end;
    v_filter text := two_tower.video_filter(p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by, v_changed);
    v_best double precision;
    v_ids uuid[];
    v_uncounted uuid[];
    v_popularity double precision[];
begin
    select * into v_marks from two_tower.tag_marks(two_tower.tag_keys(p_banned_tag_ids, p_banned_tags));
    select greatest(max(s.popularity), 1e-9) into v_best from two_tower.video_statistics s;
    execute format(
        $query$
        with popular as (
            select s.video_id, s.popularity
            from two_tower.video_statistics s join public.videos v on v.id = s.video_id
            where %1$s
            order by s.popularity desc, s.video_id
            limit $10
        ), fresh as (
            select s.video_id, s.popularity
            from two_tower.video_statistics s join public.videos v on v.id = s.video_id
            where s.released_at <= $11 and %1$s
            order by s.released_at desc, s.video_id
            limit $10
        )
        select array_agg(c.video_id), array_agg(c.popularity / $12)
        from (select * from popular union select * from fresh) c
        $query$, v_filter)
    into v_ids, v_popularity
    using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
        v_marks.bits, v_marks.others, v_changed, v_limit, p_as_of, v_best;

    if coalesce(cardinality(v_ids), 0) < v_limit then
        execute format(
            $query$
            select array_agg(u.id)
            from (
                select v.id
                from public.videos v
                left join two_tower.video_statistics s on s.video_id = v.id
                where %s and s.video_id is null
                order by v.product_released_at desc nulls last, v.id
                limit $10) u
            $query$, v_filter)
        into v_uncounted
        using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
            v_marks.bits, v_marks.others, v_changed, v_limit - coalesce(cardinality(v_ids), 0);
        v_ids := array_cat(v_ids, v_uncounted);
    end if;

    -- The shorter array is filled with nulls: an uncounted video has no popularity.
    return query
    select c.id, coalesce(c.popularity, 0), v.external_id::text, v.title::text, v.thumbnail_url::text, case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end,
        two_tower.plain_number(v.price::numeric), two_tower.plain_time(v.product_released_at),
        array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null order by t.tag_name),
        array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null order by p.performer_name)
    from unnest(v_ids, v_popularity) as c (id, popularity)
    join public.videos v on v.id = c.id
    order by coalesce(c.popularity, 0) desc, c.id;
end
$$;
