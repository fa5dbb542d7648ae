-- function: two_tower.user_payloads(uuid[], timestamptz, integer)
-- The features of users, one row for each distinct id in user_ids, also for one without a profile or a decision. Only decisions at
-- or before as_of count, and of those a user's latest max_decisions (two_tower.max_decisions). The one definition behind every user feature
-- function (contract, section 2); one statement for any number of users.
--
-- The tags of a video are turned into JSON text once per distinct video and joined as text: a million likes of a few thousand videos
-- would otherwise be ten million JSON values.
create or replace function two_tower.user_payloads(user_ids uuid[], as_of timestamptz, max_decisions int)
returns table (user_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    with wanted as (
        select distinct ids.id
        from unnest(user_ids) as ids (id)
        where ids.id is not null
    ),
    decided as materialized (
        select w.id as user_id, d.video_id, d.decision_type, d.created_at
        from wanted w
        cross join lateral (
            select u.video_id, u.decision_type::text as decision_type, u.created_at
            from public.user_video_decisions u
            where u.user_id = w.id and u.created_at between '0001-01-01 00:00:00+00' and user_payloads.as_of
                and u.decision_type::text in ('like', 'nope')
            order by u.created_at desc, u.video_id, u.decision_type::text
            limit user_payloads.max_decisions) d
    ),
    liked_videos as materialized (
        select
            v.id,
            two_tower.plain_number(v.price::numeric) as price,
            (select string_agg(to_jsonb(t.tag_name)::text, ',') from two_tower.video_tag_names t where t.video_id = v.id) as tags,
            (select string_agg(to_jsonb(p.performer_name)::text, ',') from two_tower.video_performer_names p where p.video_id = v.id) as performers
        from (select distinct d.video_id from decided d where d.decision_type = 'like') l
        join public.videos v on v.id = l.video_id
    ),
    likes as (
        select
            d.user_id,
            count(*) as like_count,
            max(d.created_at) as recent_like_at,
            avg(extract(hour from d.created_at at time zone 'UTC'))::float8 as average_like_hour,
            avg(v.price)::float8 as mean_price,
            -- Of an even count the mean of the middle two.
            percentile_cont(0.5) within group (order by v.price::float8) as median_price,
            string_agg(v.tags, ',') as tags,
            string_agg(v.performers, ',') as performers
        from decided d
        left join liked_videos v on v.id = d.video_id
        where d.decision_type = 'like'
        group by d.user_id
    ),
    nopes as (
        select d.user_id, count(*) as nope_count
        from decided d
        where d.decision_type = 'nope'
        group by d.user_id
    )
    select
        w.id,
        jsonb_build_object(
            'user_id', w.id,
            'profile', jsonb_build_object('created_at', two_tower.utc_text(two_tower.plain_time(p.created_at))),
            'decision_stats', jsonb_build_object(
                'like_count', coalesce(l.like_count, 0),
                'nope_count', coalesce(n.nope_count, 0),
                'decision_count', coalesce(l.like_count, 0) + coalesce(n.nope_count, 0),
                'recent_like_at', two_tower.utc_text(l.recent_like_at),
                'average_like_hour', coalesce(l.average_like_hour, 12.0)),
            'price_stats', jsonb_build_object(
                'mean', coalesce(l.mean_price, 0.0),
                'median', coalesce(l.median_price, 0.0)),
            'tags', ('[' || coalesce(l.tags, '') || ']')::jsonb,
            'performers', ('[' || coalesce(l.performers, '') || ']')::jsonb)
    from wanted w
    left join public.profiles p on p.user_id = w.id
    left join likes l on l.user_id = w.id
    left join nopes n on n.user_id = w.id
$$;
