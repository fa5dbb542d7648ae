-- function: two_tower.user_share(uuid, text)
-- A place for a user among all users, 0 <= place < 1: the same for ever, evenly spread, and for another salt another one. Users
-- below a share are that share of all users; those of a smaller share are among those of a larger one. It is the first 4 bytes of
-- SHA-256 over the salt (UTF-8) and the 16 bytes of the id in the order in which it is written, as a big-endian number / 2^32. The
-- process computes the same (UserShare.cs).
create or replace function two_tower.user_share(p_user_id uuid, p_salt text) returns double precision
language sql immutable strict parallel safe as $$
    select ('x' || encode(substr(sha256(convert_to(p_salt, 'UTF8') || uuid_send(p_user_id)), 1, 4), 'hex'))::bit(32)::bigint
        / 4294967296.0::double precision
$$;
