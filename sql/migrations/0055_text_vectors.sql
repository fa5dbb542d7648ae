-- What the vectors that 'twotower embed-text' made were made of: a text or a model that has changed is embedded anew, the rest is left alone.

create table two_tower.text_vectors (
    video_id    uuid not null,
    name        text not null,
    text_hash   bytea not null,          -- SHA-256 of the text, prefix included
    model_hash  bytea not null,          -- SHA-256 of the network, its tokenizer and the settings
    primary key (video_id, name),
    foreign key (video_id, name) references two_tower.video_features (video_id, name) on delete cascade
);

comment on table two_tower.text_vectors is 'TwoTower: what embed-text made which vectors of; goes with the vector';

-- A vector that another program changes isn't of that text any longer. With the rights of its owner: who may write vectors needn't know of this table.
create function two_tower.forget_text_vector() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from two_tower.text_vectors t where t.video_id = old.video_id and t.name = old.name;
    return null;
end
$$;

create trigger forget_text_vector after update on two_tower.video_features
    for each row execute function two_tower.forget_text_vector();
