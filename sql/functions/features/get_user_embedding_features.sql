-- function: public.get_user_embedding_features(uuid)
-- The features of a user over all decisions (contract, section 2).
create or replace function public.get_user_embedding_features(user_id uuid)
returns jsonb
language sql
stable
security invoker
parallel safe
as $$
    select p.payload
    from two_tower.user_payloads(array[get_user_embedding_features.user_id], 'infinity') p
$$;
