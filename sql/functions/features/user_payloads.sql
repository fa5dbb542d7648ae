-- function: two_tower.user_payloads(uuid[], timestamptz)
-- As the function with max_decisions, for models whose configuration doesn't say how many decisions count.
create or replace function two_tower.user_payloads(user_ids uuid[], as_of timestamptz)
returns table (user_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    select p.user_id, p.payload
    from two_tower.user_payloads(user_payloads.user_ids, user_payloads.as_of, two_tower.max_decisions(null)) p
$$;
