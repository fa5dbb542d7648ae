-- function: two_tower.follow_videos()
-- Puts the triggers in place that tell which videos change, or takes them away where the setting two_tower.change_triggers is 'off'
-- (alter database … set two_tower.change_triggers = 'off'). Returns null with all of them in place, or else why they aren't: then a
-- sweep compares instead. They add and never change a table's own. A table whose triggers are all there isn't locked; for a new one the lock
-- is waited for half a second at most, because other writers wait behind it.
create or replace function two_tower.follow_videos() returns text
language plpgsql set lock_timeout = '500ms' as $$
declare
    v_wanted record;
    v_off boolean := current_setting('two_tower.change_triggers', true) is not distinct from 'off';
    v_made boolean := false;
begin
    for v_wanted in
        with watched (table_name, function_name, events) as (
            values ('public.videos', 'note_changed_videos', array['insert', 'update', 'delete']),
                ('public.video_tags', 'note_relinked_videos', array['insert', 'update', 'delete', 'truncate']),
                ('public.video_performers', 'note_relinked_videos', array['insert', 'update', 'delete', 'truncate']),
                ('two_tower.video_features', 'note_relinked_videos', array['insert', 'update', 'delete', 'truncate'])
            union all
            select 'public.' || n.names_table, 'note_renamed_videos', array['update']
            from (values ('tags', 'video_tags', 'tag_id'), ('performers', 'video_performers', 'performer_id'))
                as n (names_table, links_table, id_column)
            where to_regclass('public.' || n.names_table) is not null and exists (
                select from pg_attribute a
                where a.attrelid = to_regclass('public.' || n.links_table) and a.attname = n.id_column and not a.attisdropped))
        select to_regclass(w.table_name) as relation, w.function_name, e.event, 'two_tower_' || e.event as trigger_name,
            case e.event
                when 'insert' then 'referencing new table as new_rows'
                when 'delete' then 'referencing old table as old_rows'
                when 'update' then 'referencing old table as old_rows new table as new_rows'
                else '' end as rows_as,
            exists (select from pg_trigger t
                    where t.tgrelid = to_regclass(w.table_name) and t.tgname = 'two_tower_' || e.event) as is_there
        from watched w, unnest(w.events) as e (event)
        order by 1, 2, 3
    loop
        if v_off and v_wanted.is_there then
            execute format('drop trigger %I on %s', v_wanted.trigger_name, v_wanted.relation);
        elsif not v_off and not v_wanted.is_there then
            execute format('create trigger %I after %s on %s %s for each statement execute function two_tower.%I()',
                v_wanted.trigger_name, v_wanted.event, v_wanted.relation, v_wanted.rows_as, v_wanted.function_name);
            v_made := true;
        end if;
    end loop;

    -- What changed before a trigger was there is for a sweep to find.
    if v_made then
        update two_tower.embedding_sweep set swept_at = null;
    end if;
    return case when v_off then 'they are switched off' end;
exception
    when insufficient_privilege or lock_not_available or wrong_object_type or feature_not_supported then
        return sqlerrm;
end
$$;
