-- function: two_tower.item_payload_batch(int, int)
-- A page of the active videos, ordered by id, with their features. limit_count is clamped to 1..1000.
create or replace function two_tower.item_payload_batch(limit_count int, offset_count int)
returns table (video_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    select p.video_id, p.payload
    from two_tower.item_payloads(
        array(
            select v.id
            from public.videos v
            where v.is_active
            order by v.id
            limit least(greatest(coalesce(limit_count, 100), 1), 1000)
            offset greatest(coalesce(offset_count, 0), 0))) p
    order by p.video_id
$$;
