-- Which migrations a database has, and which of the public tables this program made: those it may protect (two_tower.secure_supabase), the others
-- are their owner's. Runs before everything else, and does nothing where it ran before.
do $$
begin
    if to_regclass('two_tower.migrations') is not null then
        return;
    end if;
    create schema if not exists two_tower;
    create table two_tower.migrations (
        version int primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
    );
    create table two_tower.made_tables (
        table_name  name primary key,
        secured_at  timestamptz                           -- null: not yet, or this isn't Supabase
    );
    insert into two_tower.made_tables (table_name)
    select t.name
    from unnest(array['profiles', 'videos', 'video_tags', 'video_performers', 'user_video_decisions', 'video_embeddings', 'user_embeddings']) as t (name)
    where to_regclass('public.' || t.name) is null;
end
$$;
