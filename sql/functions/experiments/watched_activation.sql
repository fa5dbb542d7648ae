-- function: two_tower.watched_activation(interval, interval)
-- The activation that may be undone automatically, with what became of requests since then and, p_baseline long before it, of those that
-- the release answered to which a rollback would lead. No row: nothing was activated within p_window, it was a rollback itself, it leads
-- nowhere, or the release lost once and was activated again by somebody who knows.
create or replace function two_tower.watched_activation(p_window interval, p_baseline interval)
returns table (
    activation_id bigint, model_version text, target text, activated_at timestamptz, read_at timestamptz,
    answers bigint, empty bigint, failed bigint, target_answers bigint, target_empty bigint, target_failed bigint)
language sql stable rows 1 as $$
    select w.activation_id, w.model_version, w.target, w.activated_at, clock_timestamp(),
        coalesce(n.answers, 0), coalesce(n.empty, 0), coalesce(n.failed, 0),
        coalesce(b.answers, 0), coalesce(b.empty, 0), coalesce(b.failed, 0)
    from (
        select a.release_id, a.activation_id, a.activated_at, r.model_version, two_tower.rollback_target() as target
        from two_tower.active_release a
        join two_tower.activations v on v.activation_id = a.activation_id
        join two_tower.releases r on r.release_id = a.release_id
        where a.activated_at > clock_timestamp() - p_window and not v.is_rollback and two_tower.lost_release(r.model_version) is null) w
    join two_tower.releases t on t.model_version = w.target
    cross join lateral (
        select sum(c.answers)::bigint as answers, sum(c.empty)::bigint as empty, sum(c.failed)::bigint as failed
        from two_tower.serving_counts c where c.release_id = w.release_id and c.activation_id = w.activation_id) n
    cross join lateral (
        select sum(c.answers)::bigint as answers, sum(c.empty)::bigint as empty, sum(c.failed)::bigint as failed
        from two_tower.serving_counts c
        where c.release_id = t.release_id and c.minute >= w.activated_at - p_baseline and c.minute < w.activated_at) b
$$;
