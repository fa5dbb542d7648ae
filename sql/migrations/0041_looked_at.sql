-- A search that isn't re-ranked returns what is shown, and looks as far as before (sql/functions/serving). The functions of before, with an
-- argument less, would make their calls ambiguous.
drop function if exists two_tower.search_videos(real[], integer, uuid[], integer, text[], uuid[], text[], text, uuid);
drop function if exists two_tower.nearest_videos(real[], integer, integer, text[], uuid[], text[], text, uuid);
