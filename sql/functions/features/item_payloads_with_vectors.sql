-- function: two_tower.item_payloads(uuid[],text[])
-- The features of videos, one row for each distinct id in video_ids that exists, active or not. The one definition behind every
-- item feature function (contract, section 2); one statement for any number of videos. vector_names: which vectors of
-- two_tower.video_features come with them, null for all. A video that has none of them has no key video_features.
create or replace function two_tower.item_payloads(video_ids uuid[], vector_names text[])
returns table (video_id uuid, payload jsonb)
language sql
stable
parallel safe
as $$
    select
        v.id,
        jsonb_build_object(
            'video_id', v.id,
            'price', case when two_tower.plain_number(v.price::numeric) is not null then v.price end,
            'duration_seconds', case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end,
            'product_released_at', two_tower.utc_text(two_tower.plain_time(v.product_released_at)),
            'distribution_started_at', two_tower.utc_text(two_tower.plain_time(v.distribution_started_at)),
            'safety_level', least(greatest(coalesce(v.safety_level, 0), -32768), 32767),
            'region_codes', coalesce(
                (select jsonb_agg(r.code) from unnest(v.region_codes) as r (code) where r.code is not null), '[]'),
            'tags', coalesce(
                (select jsonb_agg(t.tag_name) from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null), '[]'),
            'performers', coalesce(
                (select jsonb_agg(p.performer_name) from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null), '[]'))
        || coalesce(
            (select jsonb_build_object('video_features', jsonb_object_agg(f.name, f.vector::text::jsonb))
                from two_tower.video_features f
                where f.video_id = v.id and (vector_names is null or f.name = any (vector_names))
                having count(*) > 0), '{}')
    from (select distinct ids.id from unnest(video_ids) as ids (id)) w
    join public.videos v on v.id = w.id
$$;
