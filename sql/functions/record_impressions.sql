-- function: two_tower.record_impressions(double precision[], text[], bigint[], uuid[], uuid[], integer[], text[], bigint)
-- Records what was recommended: one element of each array a row, p_ages the seconds since it was served. Ages and not times: replicas'
-- clocks may disagree, and the database's is the one that decisions go by. Returns the rows recorded: 0 when the day has p_max_rows already.
create or replace function two_tower.record_impressions(
    p_ages double precision[], p_model_versions text[], p_experiment_ids bigint[], p_user_ids uuid[], p_video_ids uuid[], p_ranks int[],
    p_strategies text[], p_max_rows bigint)
returns bigint
language plpgsql as $$
declare
    v_now timestamptz := clock_timestamp();
    v_day date;
    v_rows bigint;
begin
    if (select coalesce(sum(d.rows), 0) from two_tower.impression_days d where d.day >= (v_now at time zone 'UTC')::date - 1) >= p_max_rows then
        return 0;
    end if;
    -- Nearly always one day; two where a batch spans midnight. Older than a day: a database that was away as long; it counts as now.
    for v_day in
        select distinct ((v_now - make_interval(secs => least(a.age, 86400))) at time zone 'UTC')::date from unnest(p_ages) as a (age) order by 1
    loop
        perform two_tower.impression_partition(v_day);
    end loop;

    with recorded as (
        insert into two_tower.impressions (served_at, release_id, experiment_id, user_id, video_id, rank, strategy)
        select v_now - make_interval(secs => least(i.age, 86400)), r.release_id, i.experiment_id, i.user_id, i.video_id, i.rank, i.strategy
        from unnest(p_ages, p_model_versions, p_experiment_ids, p_user_ids, p_video_ids, p_ranks, p_strategies)
            as i (age, model_version, experiment_id, user_id, video_id, rank, strategy)
        left join two_tower.releases r on r.model_version = i.model_version
        -- A release that was deleted meanwhile leaves nothing to tell of; without a model there is none.
        where r.release_id is not null or i.model_version is null
        returning (served_at at time zone 'UTC')::date as day
    ), counted as (
        insert into two_tower.impression_days as d (day, rows)
        select c.day, count(*) from recorded c group by c.day order by c.day
        on conflict (day) do update set rows = d.rows + excluded.rows
    )
    select count(*) into v_rows from recorded;
    return v_rows;
end
$$;
