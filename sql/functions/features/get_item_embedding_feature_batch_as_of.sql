-- function: public.get_item_embedding_feature_batch(int, int, timestamptz)
-- A page of the active videos, for callers that pass an as-of everywhere: nothing in a video's payload depends on it.
create or replace function public.get_item_embedding_feature_batch(limit_count int, offset_count int, as_of timestamptz)
returns table (video_id uuid, payload jsonb)
language sql
stable
security invoker
parallel safe
as $$
    select b.video_id, b.payload
    from two_tower.item_payload_batch(limit_count, offset_count) b
$$;
