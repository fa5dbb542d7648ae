-- function: two_tower.assign_tag_bits()
-- Gives the 256 tags that are on the most videos a bit each; who has one keeps it as long as that holds. Rows of video_statistics are right
-- again once they are refreshed, which the caller does in the same transaction.
create or replace function two_tower.assign_tag_bits() returns void
language plpgsql as $$
declare
    v_frequent bigint[];
begin
    select array_agg(f.tag_key order by f.videos desc, f.tag_key) into v_frequent
    from (
        select hashtextextended(t.tag_key collate "C", 0) as tag_key, count(*) as videos
        from two_tower.video_tag_names t
        where t.tag_key is not null
        group by t.tag_key
        order by videos desc, tag_key
        limit 256) f;

    delete from two_tower.tag_bits b where b.tag_key <> all (coalesce(v_frequent, '{}'));
    insert into two_tower.tag_bits (tag_key, bit)
    select t.tag_key, f.bit
    from (
        select k.tag_key, row_number() over (order by k.place) as n
        from unnest(v_frequent) with ordinality as k (tag_key, place)
        where not exists (select from two_tower.tag_bits b where b.tag_key = k.tag_key)) t
    join (
        select i as bit, row_number() over (order by i) as n
        from generate_series(0, 255) as i
        where not exists (select from two_tower.tag_bits b where b.bit = i)) f using (n);
end
$$;
