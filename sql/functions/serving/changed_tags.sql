-- function: two_tower.changed_tags()
-- The videos whose tags changed since two_tower.refresh_video_statistics() read them: a search looks at the tags of these themselves. Null where
-- the keys in two_tower.video_statistics can't be relied on at all: triggers that would tell of a change are missing, or more changed than
-- a search can look up.
create or replace function two_tower.changed_tags()
returns uuid[]
language plpgsql stable as $$
declare
    v_most constant int := 5000;
    v_most_rows constant int := 20000;                -- a video may have several
    v_rows int;
    v_changed uuid[];
begin
    if (select count(*) from pg_catalog.pg_trigger t
        where t.tgrelid in (to_regclass('public.video_tags'), to_regclass('public.videos')) and t.tgenabled in ('O', 'A')
            and (t.tgname = 'two_tower_insert'
                or t.tgname in ('two_tower_update', 'two_tower_delete', 'two_tower_truncate') and t.tgrelid = to_regclass('public.video_tags'))) < 5 then
        return null;
    end if;
    select coalesce(sum(c.rows), 0), array_agg(c.video_id) into v_rows, v_changed
    from (
        select t.video_id, count(*) as rows
        from (select t.video_id from two_tower.tag_changes t limit v_most_rows + 1) t
        group by t.video_id) c;
    return case when v_rows <= v_most_rows and coalesce(cardinality(v_changed), 0) <= v_most then coalesce(v_changed, '{}') end;
end
$$;
