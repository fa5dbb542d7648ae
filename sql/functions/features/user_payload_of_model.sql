-- function: two_tower.user_payload_of_model(uuid, timestamptz, text)
-- The features of a user as they were at as_of, for one model: as many decisions as its configuration says, with as_of in the payload, and with
-- that release's history where its user tower reads one.
create or replace function two_tower.user_payload_of_model(p_user_id uuid, p_as_of timestamptz, p_model_version text)
returns jsonb
language sql
stable
parallel safe
as $$
    select p.payload
        || jsonb_build_object('as_of', two_tower.utc_text(two_tower.plain_time(p_as_of)))
        || coalesce((
            select jsonb_build_object('history', h.history)
            from two_tower.pooled_histories(array[p_user_id], p_as_of, p_model_version) h), '{}')
    from two_tower.user_payloads(
        array[p_user_id], p_as_of,
        two_tower.max_decisions((select r.config from two_tower.releases r where r.model_version = p_model_version))) p
$$;
