-- function: two_tower.plain_time(timestamptz)
-- An instant as the model reads it: null for infinity, before the year 1 and after the year 9999.
create or replace function two_tower.plain_time(instant timestamptz)
returns timestamptz
language sql
immutable
parallel safe
as $$
    select case when instant >= '0001-01-01 00:00:00+00'::timestamptz and instant < '10000-01-01 00:00:00+00'::timestamptz then instant end
$$;
