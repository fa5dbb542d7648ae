-- function: two_tower.drop_impressions(integer, bigint, integer)
-- Keeps p_days days of impressions (today's included) and drops the oldest days beyond p_max_rows rows, one day a call, waiting p_wait_ms
-- at most for those who are reading or writing: while a drop waits, they wait behind it, so a wait is short and tried again. Returns the
-- day that was dropped; null when there is nothing to drop, or somebody is in the way, which busy tells. With its owner's rights.
create or replace function two_tower.drop_impressions(p_days int, p_max_rows bigint, p_wait_ms int, out dropped date, out busy boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_today date := (clock_timestamp() at time zone 'UTC')::date;
begin
    busy := false;
    -- Newest first, the rows add up; yesterday and today stay whatever they hold, record_impressions bounds them.
    select min(d.day) into dropped
    from (select s.day, sum(s.rows) over (order by s.day desc) as rows from two_tower.impression_days s) d
    where d.day <= v_today - p_days or (d.rows > p_max_rows and d.day < v_today - 1);
    if dropped is null then
        return;
    end if;
    perform set_config('lock_timeout', p_wait_ms || 'ms', true);
    execute format('drop table if exists two_tower.impressions_%s', to_char(dropped, 'YYYYMMDD'));
    delete from two_tower.impression_days d where d.day = dropped;
exception when lock_not_available then
    dropped := null;
    busy := true;
end
$$;

revoke execute on function two_tower.drop_impressions(integer, bigint, integer) from public;
