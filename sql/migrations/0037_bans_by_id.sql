-- Bans by the ids of tags reach these, too: each has a parameter more now (sql/functions/serving), and beside its former self a call of it would
-- be ambiguous.
drop function if exists two_tower.other_release_finds(text, integer, text[], uuid[], text[], uuid);
drop function if exists two_tower.popular_videos(integer, timestamptz, integer, text[], uuid[], text[], uuid);
