-- function: two_tower.lost_release(text)
-- Why a release was rolled back automatically, the last time; null: it never was. What lost is activated again by hand only.
create or replace function two_tower.lost_release(p_model_version text) returns text
language sql stable as $$
    select u.reason
    from two_tower.activations u join two_tower.activations l on l.activation_id = u.undid_activation_id
    where l.model_version = p_model_version
    order by u.activation_id desc limit 1
$$;
