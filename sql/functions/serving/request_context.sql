-- function: two_tower.request_context(uuid, timestamptz, text)
-- All that a recommendation needs to know before it runs the tower, in one round trip: the release that the user is served by, the user's
-- features (the payload, or with use_rpc_features = false the rows that the process computes it from), the videos decided already,
-- and the as-of time.
--
-- Without p_as_of the as-of is the database's clock, one for all replicas and for the decisions that it stamps; a decision that a
-- client's clock dated a little ahead moves it, so that what was posted counts in the next request. p_except is an experiment's release
-- that the caller can't use.
--
-- Where the release's user tower reads the history itself, payload and history alike have the key "history": that release's sums.
create or replace function two_tower.request_context(p_user_id uuid, p_as_of timestamptz default null, p_except text default null)
returns table (
    model_version text, embedding_dim int, use_rpc_features boolean, as_of timestamptz, like_count int, payload jsonb, history jsonb,
    decided_video_ids uuid[], experiment_id bigint, is_treated boolean, read_at timestamptz)
rows 1
language plpgsql stable as $$
declare
    pooled jsonb;
begin
    select r.model_version, r.embedding_dim,
        coalesce(r.config #> '{features,use_rpc_features}', 'true') <> 'false', s.experiment_id, s.is_treated
    into model_version, embedding_dim, use_rpc_features, experiment_id, is_treated
    from two_tower.served_release(p_user_id, p_except) s join two_tower.releases r on r.release_id = s.release_id;
    read_at := statement_timestamp();

    select coalesce(p_as_of, greatest(statement_timestamp(), max(d.created_at)))
    into as_of
    from public.user_video_decisions d
    where d.user_id = p_user_id and d.created_at < statement_timestamp() + interval '10 minutes';

    -- A user's own rows are few: leaving out a video that was decided after an as-of in the past keeps a replay honest about features
    -- and still never shows what the viewer has seen.
    select coalesce(array_agg(distinct d.video_id) filter (where d.video_id is not null), '{}'), count(*) filter (where d.decision_type = 'like' and d.created_at between '0001-01-01 00:00:00+00' and as_of)
    into decided_video_ids, like_count
    from public.user_video_decisions d
    where d.user_id = p_user_id;

    if like_count = 0 or model_version is null then
        null;                                         -- popular-and-fresh, or no answer: nobody reads the features
    elsif use_rpc_features then
        select p.payload into payload from two_tower.user_payloads(array[p_user_id], as_of) p;
    else
        select jsonb_build_object(
            'created_at', (select two_tower.utc_text(two_tower.plain_time(f.created_at)) from public.profiles f where f.user_id = p_user_id),
            'entries', coalesce(jsonb_agg(jsonb_build_object(
                'video_id', d.video_id, 'decision_type', d.decision_type, 'at', two_tower.utc_text(d.created_at), 'price', two_tower.plain_number(v.price::numeric),
                'tags', array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null),
                'performers', array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null))), '[]'))
        into history
        from public.user_video_decisions d
        left join public.videos v on v.id = d.video_id
        where d.user_id = p_user_id and d.video_id is not null and d.created_at between '0001-01-01 00:00:00+00' and as_of;
    end if;

    if payload is not null or history is not null then
        select jsonb_build_object('history', h.history) into pooled
        from two_tower.pooled_histories(array[p_user_id], as_of, request_context.model_version) h;
        payload := payload || coalesce(pooled, '{}');
        history := history || coalesce(pooled, '{}');
    end if;
    return next;
end
$$;
