-- Automatic rollback: which activation it undid, and by what numbers. The uniqueness is the promise: one for each activation, whatever
-- number of replicas decide at the same time.

alter table two_tower.activations
    add column undid_activation_id bigint unique,
    add column numbers jsonb;

comment on column two_tower.activations.undid_activation_id is 'TwoTower: the activation that an automatic rollback undid; null: made by hand or after the gate';

-- The numbers of likes cost more than a glance: one replica at a time looks at them.
create table two_tower.rollback_checks (
    singleton   boolean primary key default true check (singleton),
    checked_at  timestamptz not null default '-infinity'
);

insert into two_tower.rollback_checks default values;
