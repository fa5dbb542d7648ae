-- function: public.get_item_embedding_feature_batch(int, int)
-- A page of the active videos, ordered by id, with their features (contract, section 2).
create or replace function public.get_item_embedding_feature_batch(limit_count int default 100, offset_count int default 0)
returns table (video_id uuid, payload jsonb)
language sql
stable
security invoker
parallel safe
as $$
    select b.video_id, b.payload
    from two_tower.item_payload_batch(limit_count, offset_count) b
$$;
