-- function: two_tower.serving_context(uuid, timestamptz, text)
-- All that a recommendation needs to know before it runs the tower, in one round trip: the release that the user is served by, the user's
-- features (the payload, or with use_rpc_features = false the rows that the process computes it from), what the user likes, and the as-of time.
-- What it reads of a user is bounded: the latest decisions, as many as the release's configuration says (two_tower.max_decisions).
--
-- Without p_as_of the as-of is the database's clock, one for all replicas and for the decisions that it stamps; a decision that a
-- client's clock dated a little ahead moves it, so that what was posted counts in the next request. p_except is an experiment's release
-- that the caller can't use.
--
-- like_count is how many videos the user's last word is a like of: one that was taken back is none. taste is how many of those videos have
-- each tag and each performer, {"tags": {…}, "performers": {…}}; null where nobody asks for it. Where the release's user tower reads the
-- history itself, payload and history alike have the key "history": that release's sums.
create or replace function two_tower.serving_context(p_user_id uuid, p_as_of timestamptz, p_except text)
returns table (
    model_version text, embedding_dim int, use_rpc_features boolean, as_of timestamptz, like_count int, payload jsonb, history jsonb,
    taste jsonb, experiment_id bigint, is_treated boolean, read_at timestamptz)
rows 1
language plpgsql stable as $$
declare
    pooled jsonb;
    v_most int;
    v_liked uuid[];
begin
    select r.model_version, r.embedding_dim,
        coalesce(r.config #> '{features,use_rpc_features}', 'true') <> 'false', two_tower.max_decisions(r.config), s.experiment_id, s.is_treated
    into model_version, embedding_dim, use_rpc_features, v_most, experiment_id, is_treated
    from two_tower.served_release(p_user_id, p_except) s join two_tower.releases r on r.release_id = s.release_id;
    read_at := statement_timestamp();

    select coalesce(p_as_of, greatest(statement_timestamp(), max(d.created_at)))
    into as_of
    from public.user_video_decisions d
    where d.user_id = p_user_id and d.created_at < statement_timestamp() + interval '10 minutes';

    -- The last word on each video; of a like and a nope of the same moment the like, as in two_tower.pooled_histories.
    select coalesce(array_agg(w.video_id) filter (where w.liked), '{}')
    into v_liked
    from (
        select distinct on (d.video_id) d.video_id, d.decision_type = 'like' as liked
        from (
            select u.video_id, u.decision_type::text as decision_type, u.created_at
            from public.user_video_decisions u
            where u.user_id = p_user_id and u.created_at between '0001-01-01 00:00:00+00' and as_of and u.decision_type::text in ('like', 'nope')
            order by u.created_at desc, u.video_id, u.decision_type::text
            limit coalesce(v_most, two_tower.max_decisions(null))) d
        order by d.video_id, d.created_at desc, d.decision_type) w;
    like_count := cardinality(v_liked);

    if like_count = 0 or model_version is null then
        return next;                                  -- popular-and-fresh, or no answer: nobody reads the features
        return;
    end if;

    if use_rpc_features then
        select p.payload into payload from two_tower.user_payloads(array[p_user_id], as_of, v_most) p;
    else
        select jsonb_build_object(
            'created_at', (select two_tower.utc_text(two_tower.plain_time(f.created_at)) from public.profiles f where f.user_id = p_user_id),
            'entries', coalesce(jsonb_agg(jsonb_build_object(
                'video_id', d.video_id, 'decision_type', d.decision_type, 'at', two_tower.utc_text(d.created_at), 'price', two_tower.plain_number(v.price::numeric),
                'tags', array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null),
                'performers', array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null))), '[]'))
        into history
        from (
            select u.video_id, u.decision_type::text as decision_type, u.created_at
            from public.user_video_decisions u
            where u.user_id = p_user_id and u.created_at between '0001-01-01 00:00:00+00' and as_of and u.decision_type::text in ('like', 'nope')
            order by u.created_at desc, u.video_id, u.decision_type::text
            limit v_most) d
        left join public.videos v on v.id = d.video_id
        where d.video_id is not null;
    end if;

    select jsonb_build_object(
        'tags', (
            select coalesce(jsonb_object_agg(n.name, n.likes), '{}')
            from (
                select t.tag_name as name, count(*) as likes
                from two_tower.video_tag_names t where t.video_id = any (v_liked) and t.tag_name is not null group by t.tag_name) n),
        'performers', (
            select coalesce(jsonb_object_agg(n.name, n.likes), '{}')
            from (
                select p.performer_name as name, count(*) as likes
                from two_tower.video_performer_names p where p.video_id = any (v_liked) and p.performer_name is not null group by p.performer_name) n))
    into taste;

    select jsonb_build_object('history', h.history) into pooled
    from two_tower.pooled_histories(array[p_user_id], as_of, serving_context.model_version) h;
    payload := payload || coalesce(pooled, '{}');
    history := history || coalesce(pooled, '{}');
    return next;
end
$$;
