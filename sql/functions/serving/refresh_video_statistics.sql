-- function: two_tower.refresh_video_statistics(interval, integer, integer)
-- Counts likes and nopes anew, reads the tags, and writes the rows that changed, and no others: a quiet catalogue costs no writes. Each user counts
-- once a video, with the last word, and in the popularity by their weight (TwoTower:Popularity): in full after p_maturity since the account was
-- made or the user first came (two_tower.user_arrivals), and with p_spread videos decided on; beyond p_decisions_per_day decisions of a day
-- (UTC, by when they came: two_tower.decision_arrivals) for nothing. Before p_maturity by the cube of the share of it that has passed: of seven days,
-- 1/343 after one, 1/13 after three, half after five and a half. Four hundred users made up a day ago so count as one (1.2). Popularity grows with
-- the likes and shrinks with the share of nopes (one of each is assumed beforehand, so that a single like isn't 100 %). What is dated after now
-- doesn't count. Any number of processes may call it: the second one at a time returns null at once.
create or replace function two_tower.refresh_video_statistics(p_maturity interval, p_spread int, p_decisions_per_day int)
returns bigint
language plpgsql as $$
declare
    v_changed bigint;
begin
    -- The lock ends with the transaction: it works behind a transaction pooler.
    if not pg_try_advisory_xact_lock(hashtextextended('two_tower.video_statistics', 0)) then
        return null;
    end if;

    perform two_tower.assign_tag_bits();

    -- One statement: every part of it sees the table as it was before.
    with last_word as (
        select d.video_id, d.user_id,
            max(d.created_at) filter (where d.decision_type = 'like') as liked_at,
            max(d.created_at) filter (where d.decision_type = 'nope') as noped_at,
            -- By the database's clock where a client chose the time.
            min(coalesce(a.arrived_at, d.created_at)) as first_came_at,
            max(coalesce(a.arrived_at, d.created_at)) as last_came_at
        from public.user_video_decisions d
        left join two_tower.decision_arrivals a on a.user_id = d.user_id and a.video_id = d.video_id and a.decided_at = d.created_at
        where d.decision_type in ('like', 'nope')
            and d.created_at between '0001-01-01 00:00:00+00' and statement_timestamp() + interval '10 minutes'
        group by d.video_id, d.user_id
    ), word as (
        select w.video_id, w.user_id, w.liked_at > w.noped_at or w.noped_at is null as is_like,
            row_number() over (
                partition by w.user_id, (w.last_came_at at time zone 'UTC')::date
                order by w.last_came_at, w.video_id) as of_day
        from last_word w
    ), came as (
        select w.user_id, count(*) as videos, min(w.first_came_at) as decided_at
        from last_word w
        group by w.user_id
    ), weighed as materialized (
        -- A user from before arrivals were noted, or an imported one, came with the first decision.
        select c.user_id,
            least(1.0::double precision, c.videos::double precision / greatest(p_spread, 1))
                * case when p_maturity > interval '0' then power(least(1.0::double precision, greatest(0.0::double precision,
                    extract(epoch from statement_timestamp() - t.came_at)::double precision
                        / extract(epoch from p_maturity)::double precision)), 3) else 1 end as weight
        from came c
        left join two_tower.user_arrivals a on a.user_id = c.user_id
        left join public.profiles p on p.user_id = c.user_id
        -- A profile that is made in the future, at infinity or before the year 1 says nothing.
        cross join lateral (
            select coalesce(
                a.arrived_at, case when p.created_at <= statement_timestamp() then two_tower.plain_time(p.created_at) end, c.decided_at) as came_at) t
    ), counted as (
        select w.video_id,
            count(*) filter (where w.is_like) as likes,
            count(*) filter (where not w.is_like) as nopes,
            coalesce(sum(u.weight) filter (where w.is_like and w.of_day <= p_decisions_per_day), 0) as liking,
            coalesce(sum(u.weight) filter (where not w.is_like and w.of_day <= p_decisions_per_day), 0) as noping
        from word w
        join weighed u on u.user_id = w.user_id
        group by w.video_id
    ), tagged as (
        select t.video_id, array_agg(distinct t.tag_key) as tag_keys, bit_or(b.mark) as tag_bits
        from (
            select l.video_id, hashtextextended(l.tag_key collate "C", 0) as tag_key
            from two_tower.video_tag_names l
            where l.tag_key is not null) t
        left join (select m.tag_key, set_bit(b'0'::bit(256), m.bit, 1) as mark from two_tower.tag_bits m) b on b.tag_key = t.tag_key
        group by t.video_id
    ), fresh as materialized (
        select v.id as video_id, coalesce(c.likes, 0)::int as like_count, coalesce(c.nopes, 0)::int as nope_count,
            -- Rounded: the sums come in any order, and the weights of the young grow by the minute.
            round((ln(1 + coalesce(c.liking, 0))
                * (coalesce(c.liking, 0) + 1) / (coalesce(c.liking, 0) + coalesce(c.noping, 0) + 2))::numeric, 6)::double precision as popularity,
            two_tower.plain_time(v.product_released_at) as released_at, coalesce(t.tag_keys, '{}') as tag_keys,
            coalesce(t.tag_bits, b'0'::bit(256)) as tag_bits
        from public.videos v
        left join counted c on c.video_id = v.id
        left join tagged t on t.video_id = v.id
        where v.id is not null
    ), changed as (
        update two_tower.video_statistics s
        set like_count = f.like_count, nope_count = f.nope_count, popularity = f.popularity, released_at = f.released_at,
            tag_keys = f.tag_keys, tag_bits = f.tag_bits,
            updated_at = clock_timestamp()
        from fresh f
        where f.video_id = s.video_id
            and (f.like_count, f.nope_count, f.popularity, f.released_at, f.tag_keys, f.tag_bits)
                is distinct from (s.like_count, s.nope_count, s.popularity, s.released_at, s.tag_keys, s.tag_bits)
        returning 1
    ), added as (
        insert into two_tower.video_statistics (video_id, like_count, nope_count, popularity, released_at, tag_keys, tag_bits)
        select f.video_id, f.like_count, f.nope_count, f.popularity, f.released_at, f.tag_keys, f.tag_bits
        from fresh f
        where not exists (select from two_tower.video_statistics s where s.video_id = f.video_id)
        returning 1
    ), removed as (
        delete from two_tower.video_statistics s
        where not exists (select from public.videos v where v.id = s.video_id)
        returning 1
    ), told as (
        -- As of the same moment as the tags above: a change that is not seen here keeps its row.
        delete from two_tower.tag_changes
    ), gone as (
        -- Their users count in full by now, whatever their first decision says.
        delete from two_tower.user_arrivals a where a.arrived_at < statement_timestamp() - greatest(2 * p_maturity, interval '30 days')
    ), withdrawn as (
        -- What a policy hides from this role isn't gone, here and below.
        delete from two_tower.decision_arrivals a
        where not row_security_active('public.user_video_decisions')
            and not exists (
                select from public.user_video_decisions d
                where d.user_id = a.user_id and d.video_id = a.video_id and d.created_at = a.decided_at)
    ), forgotten as (
        -- A table of profiles may be emptied and filled again every night: who decides is somebody still.
        delete from two_tower.given_user_ids g
        where not row_security_active('public.profiles') and not row_security_active('public.user_video_decisions')
            and not exists (select from public.profiles p where p.user_id = g.user_id)
            and not exists (select from public.user_video_decisions d where d.user_id = g.user_id)
    )
    select (select count(*) from changed) + (select count(*) from added) + (select count(*) from removed) into v_changed;
    return v_changed;
end
$$;
