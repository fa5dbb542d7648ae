-- function: two_tower.releases_to_load()
-- The releases whose tower a replica of the API should have in memory before the first request needs it, most needed first: the active
-- one, that of a running experiment, the one that a rollback leads to, the newest that is ready. Whoever else has requests answered by a
-- release adds a branch here.
create or replace function two_tower.releases_to_load() returns table (model_version text, is_active boolean)
language sql stable as $$
    select l.model_version, min(l.place) = 1
    from (
        select r.model_version, 1 as place
        from two_tower.active_release a join two_tower.releases r using (release_id)
        union all
        select x.model_version, 2 from two_tower.experiments x where x.stopped_at is null
        union all
        select two_tower.rollback_target(), 3
        union all
        (select r.model_version, 4 from two_tower.releases r where r.state = 'ready' order by r.release_id desc limit 1)) l
    where l.model_version is not null
    group by l.model_version
    order by min(l.place), l.model_version
$$;
