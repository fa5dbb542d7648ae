-- function: two_tower.utc_text(timestamptz)
-- An instant as JSON has it, 2025-10-12T09:30:00.000000Z, whatever the session's time zone.
create or replace function two_tower.utc_text(instant timestamptz)
returns text
language sql
stable
parallel safe
as $$
    select to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
