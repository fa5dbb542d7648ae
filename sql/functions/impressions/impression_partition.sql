-- function: two_tower.impression_partition(date)
-- Makes the partition of a day where it isn't there yet. It is made apart and then attached, which lets readers and writers of the
-- other days go on; two replicas at midnight take turns. With its owner's rights: who records what was served needn't own the table.
create or replace function two_tower.impression_partition(p_day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_table text := 'impressions_' || to_char(p_day, 'YYYYMMDD');
begin
    for i in 1..2 loop
        -- Not to_regclass: its cache isn't told of what others committed while this one waited for an advisory lock.
        if exists (select from pg_catalog.pg_class c where c.relnamespace = 'two_tower'::regnamespace and c.relname = v_table) then
            return;
        end if;
        perform pg_advisory_xact_lock(hashtextextended('two_tower.impressions', 0));
    end loop;
    execute format('create table two_tower.%I (like two_tower.impressions including defaults including constraints)', v_table);
    execute format('alter table two_tower.impressions attach partition two_tower.%I for values from (%L) to (%L)',
        v_table, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC');
end
$$;

revoke execute on function two_tower.impression_partition(date) from public;
