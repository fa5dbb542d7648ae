-- function: two_tower.add_serving_counts(text[], bigint[], bigint[], bigint[])
-- Adds what became of requests since the caller's last call, one element a release, to the counts of this minute.
create or replace function two_tower.add_serving_counts(p_model_versions text[], p_answers bigint[], p_empty bigint[], p_failed bigint[])
returns void
language sql as $$
    insert into two_tower.serving_counts as c (release_id, activation_id, minute, answers, empty, failed)
    select r.release_id, coalesce((select a.activation_id from two_tower.active_release a), 0), date_trunc('minute', clock_timestamp()),
        s.answers, s.empty, s.failed
    from unnest(p_model_versions, p_answers, p_empty, p_failed) as s (model_version, answers, empty, failed)
    join two_tower.releases r using (model_version)
    order by r.release_id                             -- every replica takes the rows' locks in the same order
    on conflict (release_id, activation_id, minute) do update
        set answers = c.answers + excluded.answers, empty = c.empty + excluded.empty, failed = c.failed + excluded.failed
$$;
