-- function: two_tower.release_outcomes(text, timestamptz, timestamptz, interval, bigint)
-- What became of a release's recommendations that were served in [p_since, p_until), by user: videos shown, answers, answers without a
-- video, likes, nopes, and of each distinct video shown the number of users of this group who were shown it (what coverage is worked
-- out from). A decision counts for the last impression of that video before it, whichever release that was of, and only the first one
-- within p_within of it. p_experiment: only what was served while that experiment ran.
create or replace function two_tower.release_outcomes(
    p_model_version text, p_since timestamptz, p_until timestamptz, p_within interval, p_experiment bigint)
returns table (user_id uuid, recommendations bigint, answers bigint, empty bigint, likes bigint, nopes bigint, viewers int[])
language sql stable as $$
    with shown as materialized (
        select i.user_id, i.video_id, i.rank
        from two_tower.impressions i join two_tower.releases r using (release_id)
        where r.model_version = p_model_version and i.served_at >= p_since and i.served_at < p_until
            and (p_experiment is null or i.experiment_id = p_experiment)
    ), users as (
        select s.user_id, count(s.video_id) as recommendations, count(*) filter (where s.rank <= 1) as answers,
            count(*) filter (where s.rank = 0) as empty
        from shown s group by s.user_id
    ), pairs as (
        select distinct s.user_id, s.video_id from shown s where s.video_id is not null
    ), videos as (
        select p.video_id, count(*)::int as viewers from pairs p group by p.video_id
    ), seen as (
        select p.user_id, array_agg(v.viewers order by v.viewers) as viewers
        from pairs p join videos v using (video_id) group by p.user_id
    ), decided as (
        -- Decisions are fewer than impressions: each looks back for its impression, by the index.
        select d.user_id, d.video_id, d.decision_type::text as decision, d.created_at,
            row_number() over (partition by d.user_id, d.video_id, l.served_at order by d.created_at, d.decision_type::text) as place
        from users u
        join public.user_video_decisions d on d.user_id = u.user_id
        cross join lateral (
            select i.served_at, i.release_id, i.experiment_id
            from two_tower.impressions i
            where i.user_id = d.user_id and i.video_id = d.video_id and i.served_at <= d.created_at and i.served_at >= d.created_at - p_within
            order by i.served_at desc limit 1) l
        join two_tower.releases r on r.release_id = l.release_id
        where d.created_at >= p_since and d.created_at < p_until + p_within and d.decision_type::text in ('like', 'nope')
            and r.model_version = p_model_version and l.served_at >= p_since and l.served_at < p_until
            and (p_experiment is null or l.experiment_id = p_experiment)
    ), liked as (
        select d.user_id, count(*) filter (where d.decision = 'like') as likes, count(*) filter (where d.decision = 'nope') as nopes
        from decided d where d.place = 1 group by d.user_id
    )
    select u.user_id, u.recommendations, u.answers, u.empty, coalesce(l.likes, 0), coalesce(l.nopes, 0), coalesce(s.viewers, '{}')
    from users u left join liked l using (user_id) left join seen s using (user_id)
$$;
