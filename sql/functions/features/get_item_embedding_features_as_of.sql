-- function: public.get_item_embedding_features(uuid, timestamptz)
-- The features of a video, for callers that pass an as-of everywhere: nothing in a video's payload depends on it.
create or replace function public.get_item_embedding_features(video_id uuid, as_of timestamptz)
returns jsonb
language sql
stable
security invoker
parallel safe
as $$
    select p.payload
    from two_tower.item_payloads(array[get_item_embedding_features.video_id]) p
$$;
