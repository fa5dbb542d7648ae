-- function: two_tower.record_impressions(timestamptz[], text[], bigint[], uuid[], uuid[], integer[], text[], bigint)
-- Records what was recommended: one element of each array a row, p_served_at by this database's clock (serving_context told it), which
-- decisions go by, too. Returns the rows recorded: 0 when yesterday and today have p_max_rows already.
create or replace function two_tower.record_impressions(
    p_served_at timestamptz[], p_model_versions text[], p_experiment_ids bigint[], p_user_ids uuid[], p_video_ids uuid[], p_ranks int[],
    p_strategies text[], p_max_rows bigint)
returns bigint
language plpgsql as $$
declare
    v_today date := (clock_timestamp() at time zone 'UTC')::date;
    v_day date;
    v_rows bigint;
begin
    if (select coalesce(sum(d.rows), 0) from two_tower.impression_days d where d.day >= v_today - 1) >= p_max_rows then
        return 0;
    end if;
    -- Nearly always one day; two where a batch spans midnight.
    for v_day in
        select distinct (i.served_at at time zone 'UTC')::date as day from unnest(p_served_at) as i (served_at)
        where (i.served_at at time zone 'UTC')::date between v_today - 1 and v_today + 1 order by 1
    loop
        perform two_tower.impression_partition(v_day);
    end loop;

    with recorded as (
        insert into two_tower.impressions (served_at, release_id, experiment_id, user_id, video_id, rank, strategy)
        select i.served_at, r.release_id, i.experiment_id, i.user_id, i.video_id, i.rank, i.strategy
        from unnest(p_served_at, p_model_versions, p_experiment_ids, p_user_ids, p_video_ids, p_ranks, p_strategies)
            as i (served_at, model_version, experiment_id, user_id, video_id, rank, strategy)
        left join two_tower.releases r on r.model_version = i.model_version
        -- A release that was deleted meanwhile leaves nothing to tell of; without a model there is none.
        where (r.release_id is not null or i.model_version is null)
            and (i.served_at at time zone 'UTC')::date between v_today - 1 and v_today + 1
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
