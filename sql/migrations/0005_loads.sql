-- What was loaded into this database, by import, generate or demo: a second run of the demo finds its data here, and a person where the
-- rows came from. A row is there before its load begins, so that the rows of a killed one have an owner.

create table two_tower.loads (
    fingerprint  text primary key,                    -- equal only for equal data: csv:<sha256 of the files>, generated:2000:5000:42
    description  text not null,
    begun_at     timestamptz not null default clock_timestamp(),
    loaded_at    timestamptz                          -- null: under way, or killed; it is done again then
);

comment on table two_tower.loads is 'TwoTower: what was loaded by import, generate and demo';
