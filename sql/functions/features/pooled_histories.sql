-- function: two_tower.pooled_histories(uuid[], timestamptz, text)
-- What a release makes of users' histories, one row for each distinct id in user_ids: the sums of the first halves of the history vectors
-- of the liked videos and of the second halves of the noped ones, and how many of each have such a vector. Of each user the latest
-- decisions at or before as_of count, as many as the release's configuration says (two_tower.max_decisions). A video counts once, by the
-- latest; of a like and a nope of the same moment the like counts. No rows for a release whose user tower
-- reads no history. HistoryPool computes the same in process.
create or replace function two_tower.pooled_histories(user_ids uuid[], as_of timestamptz, model_version text)
returns table (user_id uuid, history jsonb)
language plpgsql
stable
parallel safe
as $$
declare
    vectors text;
    half int;
    most int;
begin
    select t.name, a.atttypmod / 2, two_tower.max_decisions(r.config)
    into vectors, half, most
    from two_tower.releases r
    cross join lateral (select format('two_tower.video_embeddings_%s', r.release_id) as name) t
    join pg_attribute a on a.attrelid = to_regclass(t.name) and a.attname = 'history' and not a.attisdropped
    where r.model_version = pooled_histories.model_version;
    if not found then
        return;
    end if;

    return query execute format($sql$
        with wanted as (
            select distinct ids.id from unnest($1) as ids (id) where ids.id is not null
        ),
        latest as (
            select distinct on (w.id, d.video_id) w.id as user_id, d.video_id, d.decision_type = 'like' as liked
            from wanted w
            cross join lateral (
                select u.video_id, u.decision_type::text as decision_type, u.created_at
                from public.user_video_decisions u
                where u.user_id = w.id and u.created_at between '0001-01-01 00:00:00+00' and $2 and u.decision_type::text in ('like', 'nope')
                order by u.created_at desc, u.video_id, u.decision_type::text
                limit $3) d
            order by w.id, d.video_id, d.created_at desc, d.decision_type
        ),
        pooled as (
            select
                l.user_id,
                count(*) filter (where l.liked) as likes,
                count(*) filter (where not l.liked) as nopes,
                @vector_schema@.sum(@vector_schema@.subvector(e.history::@vector_schema@.vector, 1, %2$s)) filter (where l.liked) as liked,
                @vector_schema@.sum(@vector_schema@.subvector(e.history::@vector_schema@.vector, %2$s + 1, %2$s)) filter (where not l.liked) as noped
            from latest l
            join %1$s e on e.video_id = l.video_id
            group by l.user_id
        )
        select w.id, jsonb_build_object(
            'likes', coalesce(p.likes, 0),
            'nopes', coalesce(p.nopes, 0),
            'liked', coalesce(p.liked::text::jsonb, '[]'),
            'noped', coalesce(p.noped::text::jsonb, '[]'))
        from wanted w
        left join pooled p on p.user_id = w.id
    $sql$, vectors, half) using user_ids, as_of, most;
end
$$;
