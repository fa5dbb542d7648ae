-- function: two_tower.tag_condition()
-- That a row "s" of two_tower.video_statistics has no banned tag, as SQL text: $7 the bits of the banned tags, $8 the keys of those without a bit
-- (two_tower.tag_marks). "<=" is "=" where nothing is under zero, but the planner takes a third of the videos to pass, not one in two hundred.
create or replace function two_tower.tag_condition()
returns text
language sql immutable as $$
    select '(s.tag_bits & $7) <= b''0''::bit(256) and (cardinality($8) = 0 or not s.tag_keys && $8)'
$$;
