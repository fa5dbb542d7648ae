-- Databases from before sql/journal.sql noted which public tables this program made. It made those that came in the transaction of its first
-- migration and begin with its columns; where that can't be told (after a restore, say), a table counts as its owner's and is left alone.
do $$
begin
    if to_regclass('two_tower.made_tables') is not null then
        return;
    end if;
    create table two_tower.made_tables (
        table_name  name primary key,
        secured_at  timestamptz
    );
    insert into two_tower.made_tables (table_name)
    select w.table_name
    from (values
        ('profiles', 'user_id,display_name,created_at'),
        ('videos', 'id,external_id,title,description,duration_seconds,thumbnail_url,preview_video_url,distribution_code,maker_code,director,series,maker,'
            || 'label,price,distribution_started_at,product_released_at,sample_video_url,image_urls,source,published_at,product_url,created_at,'
            || 'safety_level,region_codes,is_active'),
        ('video_tags', 'video_id,tag_name'),
        ('video_performers', 'video_id,performer_name'),
        ('user_video_decisions', 'user_id,video_id,decision_type,created_at'),
        ('video_embeddings', 'video_id,embedding,updated_at'),
        ('user_embeddings', 'user_id,embedding,updated_at')) as w (table_name, columns)
    where (
            select string_agg(a.attname::text, ',' order by a.attnum)
            from pg_attribute a
            where a.attrelid = to_regclass('public.' || w.table_name) and a.attnum between 1 and cardinality(string_to_array(w.columns, ','))
                and not a.attisdropped) = w.columns
        and (select a.xmin from pg_attribute a where a.attrelid = to_regclass('public.' || w.table_name) and a.attnum = 1)
            = (select m.xmin from two_tower.migrations m where m.version = 1);
end
$$;

comment on table two_tower.made_tables is 'TwoTower: the public tables that it made, and since when row level security protects them on Supabase';
