-- function: two_tower.rollback_likes(text, text, timestamptz, timestamptz, interval, interval, interval)
-- How recommendations were liked, by user: those of the live release from p_activated_at to p_until, those of the one before in p_baseline before
-- p_activated_at. It is what the automatic rollback goes by, so it counts nothing that a client can choose:
--   - users who were there before the activation, by their age then, as popularity weighs them (two_tower.refresh_video_statistics): in full after
--     p_maturity, before it by the cube of the share of it that has passed;
--   - of each user the first answer of either release, and what of it was liked within p_within: who asks a hundred times counts as who asks once;
--   - of an answer as many of the first places as the usual answer of that release has which is the shorter one: a page that becomes longer
--     with the release makes no difference;
--   - no video that the user had decided on when it was shown.
create or replace function two_tower.rollback_likes(
    p_live text, p_previous text, p_activated_at timestamptz, p_until timestamptz, p_baseline interval, p_within interval, p_maturity interval)
returns table (is_live boolean, user_id uuid, weight double precision, liked double precision, recommendations bigint)
language sql stable as $$
    with shown as materialized (
        select r.model_version = p_live as is_live, i.user_id, i.video_id, i.rank, i.served_at
        from two_tower.impressions i join two_tower.releases r using (release_id)
        where i.video_id is not null and i.served_at >= p_activated_at - p_baseline and i.served_at < p_until
            and case r.model_version when p_live then i.served_at >= p_activated_at when p_previous then i.served_at < p_activated_at end
    ), answers as materialized (
        select s.is_live, s.user_id, min(s.served_at) as served_at from shown s group by s.is_live, s.user_id
    ), came as (
        -- A user without a profile from before arrivals were noted, or an imported one, came with the first decision.
        select u.user_id, coalesce(
            a.arrived_at,
            case when p.created_at <= statement_timestamp() then two_tower.plain_time(p.created_at) end,
            (
                select min(coalesce(n.arrived_at, d.created_at))
                from public.user_video_decisions d
                left join two_tower.decision_arrivals n on n.user_id = d.user_id and n.video_id = d.video_id and n.decided_at = d.created_at
                where d.user_id = u.user_id and d.created_at >= '0001-01-01 00:00:00+00')) as came_at
        from (select distinct s.user_id from answers s) u
        left join two_tower.user_arrivals a on a.user_id = u.user_id
        left join public.profiles p on p.user_id = u.user_id
    ), weighed as materialized (
        select c.user_id, case when p_maturity > interval '0' then power(least(1.0::double precision,
            extract(epoch from p_activated_at - c.came_at)::double precision / extract(epoch from p_maturity)::double precision), 3) else 1 end as weight
        from came c
        where c.came_at < p_activated_at
    ), placed as materialized (
        select a.is_live, a.user_id, w.weight, a.served_at, s.video_id, s.rank
        from answers a
        join weighed w on w.user_id = a.user_id
        join shown s on (s.is_live, s.user_id, s.served_at) = (a.is_live, a.user_id, a.served_at)
    ), depths as (
        select d.is_live, percentile_disc(0.5) within group (order by d.depth) as depth
        from (select p.is_live, p.user_id, max(p.rank) as depth from placed p group by p.is_live, p.user_id) d
        group by d.is_live
    )
    select p.is_live, p.user_id, min(p.weight), avg((coalesce(f.decision, '') = 'like')::int)::double precision, count(*)
    from placed p
    left join lateral (
        select d.decision_type::text as decision
        from public.user_video_decisions d
        where d.user_id = p.user_id and d.video_id = p.video_id and d.created_at >= p.served_at and d.created_at < p.served_at + p_within
            and d.decision_type::text in ('like', 'nope')
        order by d.created_at, d.decision_type::text
        limit 1) f on true
    where p.rank <= (select min(d.depth) from depths d) and not exists (
        select from public.user_video_decisions d where d.user_id = p.user_id and d.video_id = p.video_id and d.created_at < p.served_at)
    group by p.is_live, p.user_id
$$;
