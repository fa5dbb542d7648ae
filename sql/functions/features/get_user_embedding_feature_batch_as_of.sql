-- function: public.get_user_embedding_feature_batch(int, int, timestamptz)
-- A page of the users with a decision at or before as_of, ordered by id, with their features as they were then.
create or replace function public.get_user_embedding_feature_batch(limit_count int, offset_count int, as_of timestamptz)
returns table (user_id uuid, payload jsonb)
language sql
stable
security invoker
parallel safe
as $$
    select b.user_id, b.payload
    from two_tower.user_payload_batch(limit_count, offset_count, get_user_embedding_feature_batch.as_of) b
$$;
