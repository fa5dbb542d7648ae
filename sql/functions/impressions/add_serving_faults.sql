-- function: two_tower.add_serving_faults(text[], text[], uuid[])
-- Reports users whom a release failed since the caller's last call, one element a user, release and kind. A user who was failed several
-- times in a minute is one row: what one user can do counts once a minute.
create or replace function two_tower.add_serving_faults(p_model_versions text[], p_kinds text[], p_user_ids uuid[])
returns void
language sql as $$
    insert into two_tower.serving_faults (release_id, activation_id, minute, kind, user_id)
    select distinct r.release_id, coalesce((select a.activation_id from two_tower.active_release a), 0), date_trunc('minute', clock_timestamp()),
        f.kind, f.user_id
    from unnest(p_model_versions, p_kinds, p_user_ids) as f (model_version, kind, user_id)
    join two_tower.releases r using (model_version)
    order by 1, 4, 5                                  -- every replica takes the rows' locks in the same order
    on conflict do nothing
$$;
