-- function: two_tower.needed_releases()
-- The releases that somebody needs, and why; retention leaves them alone. Whoever else comes to need releases adds a branch here.
create or replace function two_tower.needed_releases() returns table (model_version text, why text)
language sql stable as $$
    select r.model_version, 'active'
    from two_tower.active_release a join two_tower.releases r using (release_id)
    union all
    select two_tower.rollback_target(), 'rollback leads to it'
    where two_tower.rollback_target() is not null
    union all
    select r.model_version, concat_ws(': ', 'pinned by ' || p.actor, p.reason)
    from two_tower.release_pins p join two_tower.releases r using (release_id)
    union all
    select x.model_version, 'experiment ' || x.name
    from two_tower.experiments x where x.stopped_at is null
$$;
