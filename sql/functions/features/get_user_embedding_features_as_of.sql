-- function: public.get_user_embedding_features(uuid, timestamptz)
-- The features of a user as they were at as_of: later decisions don't count.
create or replace function public.get_user_embedding_features(user_id uuid, as_of timestamptz)
returns jsonb
language sql
stable
security invoker
parallel safe
as $$
    select p.payload
    from two_tower.user_payloads(array[get_user_embedding_features.user_id], get_user_embedding_features.as_of) p
$$;
