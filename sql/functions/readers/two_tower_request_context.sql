-- function: public.two_tower_request_context(uuid, text)
-- For readers outside of this program, all that a recommendation begins with (contract, section 9): the release that the user is served by, an
-- experiment's included; the as-of; how many videos the user likes; the payload, null where nobody needs it; what the user likes. p_except
-- is an experiment's release that the caller can't use.
create or replace function public.two_tower_request_context(p_user_id uuid, p_except text default null)
returns jsonb
language sql
stable
security invoker
as $$
    select jsonb_build_object(
        'user_id', p_user_id,
        'model_version', c.model_version,
        'embedding_dim', c.embedding_dim,
        'as_of', two_tower.utc_text(c.as_of),
        'read_at', two_tower.utc_text(c.read_at),
        'like_count', c.like_count,
        -- Made anew only for a release whose features the process computes itself (use_rpc_features = false).
        'payload', case when c.like_count > 0 and c.model_version is not null then coalesce(
            c.payload || jsonb_build_object('as_of', two_tower.utc_text(two_tower.plain_time(c.as_of))),
            two_tower.user_payload_of_model(p_user_id, c.as_of, c.model_version)) end,
        'taste', c.taste,
        'experiment_id', c.experiment_id,
        'is_treated', coalesce(c.is_treated, false))
    from two_tower.serving_context(p_user_id, null, p_except) c
$$;
