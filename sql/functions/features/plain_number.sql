-- function: two_tower.plain_number(numeric)
-- A price as the model reads it: null for NaN, infinity and what is out of .NET's decimal
-- range, which no shop means; and no more digits than a decimal has.
create or replace function two_tower.plain_number(number numeric)
returns numeric
language sql
immutable
parallel safe
as $$
    select case
        when not (number > -79228162514264337593543950335::numeric and number < 79228162514264337593543950335::numeric) then null
        when scale(number) <= 9 and abs(number) < 1e18 then number
        when abs(number) < 1e9 then round(number, 18)
        when abs(number) < 1e18 then round(number, 9)
        else round(number)
    end
$$;
