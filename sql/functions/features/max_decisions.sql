-- function: two_tower.max_decisions(jsonb)
-- How many of a user's latest decisions count for a model of this configuration: its features.max_decisions, 5000 where it doesn't say, or not
-- in a whole number of 1 to 100000. ModelMeta.MaxDecisions is the same in process.
create or replace function two_tower.max_decisions(config jsonb)
returns int
language sql
immutable
parallel safe
as $$
    select case
        when jsonb_typeof(config #> '{features,max_decisions}') = 'number' and config #>> '{features,max_decisions}' ~ '^([1-9][0-9]{0,4}|100000)$'
            then (config #>> '{features,max_decisions}')::int
        else 5000
    end
$$;
