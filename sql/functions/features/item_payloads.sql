-- function: two_tower.item_payloads(uuid[])
-- The features of videos with all of their vectors (two_tower.video_features); otherwise as the function below it, which every item
-- feature function stands on.
create or replace function two_tower.item_payloads(video_ids uuid[])
returns table (video_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    select p.video_id, p.payload
    from two_tower.item_payloads(item_payloads.video_ids, null) p
$$;
