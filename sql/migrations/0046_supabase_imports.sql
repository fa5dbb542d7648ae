-- How far 'twotower import supabase' has read each project's decisions: the next import begins there.

create table two_tower.supabase_imports (
    source           text primary key,                -- host, port and path of the project's address
    decisions_until  timestamptz,                     -- the latest decision when the import began; null: there was none
    imported_at      timestamptz not null default now()
);

comment on table two_tower.supabase_imports is 'TwoTower: what import supabase has read of which project';
