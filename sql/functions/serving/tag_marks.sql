-- function: two_tower.tag_marks(bigint[])
-- What of two_tower.tag_keys() a search looks for in video_statistics.tag_bits, and the keys of the tags that have no bit.
create or replace function two_tower.tag_marks(p_keys bigint[], out bits bit(256), out others bigint[])
language plpgsql stable as $$
begin
    bits := b'0'::bit(256);
    select coalesce(bit_or(set_bit(bits, b.bit, 1)) filter (where b.bit is not null), bits),
        coalesce(array_agg(k.tag_key) filter (where b.bit is null), '{}')
    into bits, others
    from unnest(p_keys) as k (tag_key)
    left join two_tower.tag_bits b on b.tag_key = k.tag_key;
end
$$;
