-- function: two_tower.watched_activation(interval, interval)
-- The activation that may be undone automatically, with what became of requests since then and, p_baseline long before it, of those that
-- the release answered to which a rollback would lead. Requests are all of them; failures and empty answers count once a user and minute,
-- and with them is said how many users they were. No row: nothing was activated within p_window, it was a rollback itself, it leads
-- nowhere, or the release lost once and was activated again by somebody who knows.
create or replace function two_tower.watched_activation(p_window interval, p_baseline interval)
returns table (
    activation_id bigint, model_version text, target text, activated_at timestamptz, read_at timestamptz,
    requests bigint, answers bigint, empty bigint, failed bigint, empty_users bigint, failed_users bigint,
    target_requests bigint, target_answers bigint, target_empty bigint, target_failed bigint)
language sql stable rows 1 as $$
    select w.activation_id, w.model_version, w.target, w.activated_at, clock_timestamp(),
        coalesce(n.requests, 0), coalesce(n.answers, 0) + nf.empty, nf.empty, nf.failed, nf.empty_users, nf.failed_users,
        coalesce(b.requests, 0), coalesce(b.answers, 0) + bf.empty, bf.empty, bf.failed
    from (
        select a.release_id, a.activation_id, a.activated_at, r.model_version, two_tower.rollback_target() as target
        from two_tower.active_release a
        join two_tower.activations v on v.activation_id = a.activation_id
        join two_tower.releases r on r.release_id = a.release_id
        where a.activated_at > clock_timestamp() - p_window and not v.is_rollback and two_tower.lost_release(r.model_version) is null) w
    join two_tower.releases t on t.model_version = w.target
    cross join lateral (
        select sum(c.answers + c.failed)::bigint as requests, sum(c.answers - c.empty)::bigint as answers
        from two_tower.serving_counts c where c.release_id = w.release_id and c.activation_id = w.activation_id) n
    cross join lateral (
        select count(*) filter (where f.kind = 'empty') as empty, count(*) filter (where f.kind = 'failed') as failed,
            count(distinct f.user_id) filter (where f.kind = 'empty') as empty_users,
            count(distinct f.user_id) filter (where f.kind = 'failed') as failed_users
        from two_tower.serving_faults f where f.release_id = w.release_id and f.activation_id = w.activation_id) nf
    cross join lateral (
        select sum(c.answers + c.failed)::bigint as requests, sum(c.answers - c.empty)::bigint as answers
        from two_tower.serving_counts c
        where c.release_id = t.release_id and c.minute >= w.activated_at - p_baseline and c.minute < w.activated_at) b
    cross join lateral (
        select count(*) filter (where f.kind = 'empty') as empty, count(*) filter (where f.kind = 'failed') as failed
        from two_tower.serving_faults f
        where f.release_id = t.release_id and f.minute >= w.activated_at - p_baseline and f.minute < w.activated_at) bf
$$;
