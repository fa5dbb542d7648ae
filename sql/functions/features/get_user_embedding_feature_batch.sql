-- function: public.get_user_embedding_feature_batch(int, int)
-- A page of the users with a decision, ordered by id, with their features over all decisions (contract, section 2).
create or replace function public.get_user_embedding_feature_batch(limit_count int default 100, offset_count int default 0)
returns table (user_id uuid, payload jsonb)
language sql
stable
security invoker
parallel safe
as $$
    select b.user_id, b.payload
    from two_tower.user_payload_batch(limit_count, offset_count, 'infinity') b
$$;
