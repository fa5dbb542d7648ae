-- Automatic rollback: which activation it undid, and by what numbers. The uniqueness is the promise: one for each activation, whatever
-- number of replicas decide at the same time.

alter table two_tower.activations
    add column undid_activation_id bigint unique,
    add column numbers jsonb;

comment on column two_tower.activations.undid_activation_id is 'TwoTower: the activation that an automatic rollback undid; null: made by hand or after the gate';
