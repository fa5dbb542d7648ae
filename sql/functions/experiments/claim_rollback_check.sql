-- function: two_tower.claim_rollback_check(interval)
-- True for one caller in p_every, whichever replica it is.
create or replace function two_tower.claim_rollback_check(p_every interval) returns boolean
language sql as $$
    with claimed as (
        update two_tower.rollback_checks set checked_at = clock_timestamp()
        where checked_at <= clock_timestamp() - p_every
        returning 1)
    select exists (select from claimed)
$$;
