-- function: public.get_user_embedding_features(uuid, timestamptz, text)
-- The features of a user as they were at as_of, for one model: with that release's history where its user tower reads one (a segment
-- pooled_history in its feature_schema.json). What a reader outside of .NET calls: it stays right for a release of any kind.
create or replace function public.get_user_embedding_features(user_id uuid, as_of timestamptz, model_version text)
returns jsonb
language sql
stable
security invoker
parallel safe
as $$
    select two_tower.user_payload_of_model(
        get_user_embedding_features.user_id, get_user_embedding_features.as_of, get_user_embedding_features.model_version)
$$;
