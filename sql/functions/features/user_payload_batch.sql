-- function: two_tower.user_payload_batch(int, int, timestamptz)
-- A page of the users with a decision at or before as_of, ordered by id, with their features as they were then.
-- limit_count is clamped to 1..1000.
create or replace function two_tower.user_payload_batch(limit_count int, offset_count int, as_of timestamptz)
returns table (user_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    select p.user_id, p.payload
    from two_tower.user_payloads(
        array(
            select d.user_id
            from public.user_video_decisions d
            where d.user_id is not null and d.created_at between '0001-01-01 00:00:00+00' and user_payload_batch.as_of
                and d.decision_type::text in ('like', 'nope')
            group by d.user_id
            order by d.user_id
            limit least(greatest(coalesce(limit_count, 100), 1), 1000)
            offset greatest(coalesce(offset_count, 0), 0)),
        user_payload_batch.as_of) p
    order by p.user_id
$$;
