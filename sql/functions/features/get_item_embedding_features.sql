-- function: public.get_item_embedding_features(uuid)
-- The features of a video; null when there is no such video (contract, section 2).
create or replace function public.get_item_embedding_features(video_id uuid)
returns jsonb
language sql
stable
security invoker
parallel safe
as $$
    select p.payload
    from two_tower.item_payloads(array[get_item_embedding_features.video_id]) p
$$;
