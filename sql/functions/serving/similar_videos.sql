-- function: two_tower.similar_videos(uuid, integer, integer, text[], uuid[], text[], text)
-- The videos nearest to a video, by their vectors in one release. A hidden video is unknown; one without a vector is refused by name.
create or replace function two_tower.similar_videos(
    p_video_id uuid,
    p_limit int,
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_model_version text)
returns table (
    video_id uuid, value double precision, external_id text, title text, thumbnail_url text, duration_seconds int, price numeric,
    released_at timestamptz, tags text[], performers text[])
rows 200
language plpgsql stable as $$
declare
    v_release bigint;
    v_embedding real[];
begin
    if not exists (select from public.videos v where v.id = p_video_id and v.is_active) then
        raise exception 'there is no video %', p_video_id using errcode = 'TT203';
    end if;

    select r.release_id into v_release from two_tower.releases r where r.model_version = p_model_version;
    if to_regclass(format('two_tower.video_embeddings_%s', v_release)) is null then
        raise exception 'release % cannot be searched, it is not ready or gone', p_model_version using errcode = 'TT201';
    end if;
    -- A halfvec has no cast to an array of its own; its text is that of an array but for the brackets.
    execute format(
        $query$select translate(e.embedding::text, '[]', '{}')::real[] from two_tower.video_embeddings_%s e where e.video_id = $1$query$,
        v_release)
    into v_embedding using p_video_id;
    if v_embedding is null then
        raise exception 'video % has no vector in release % yet', p_video_id, p_model_version using errcode = 'TT204';
    end if;

    return query select * from two_tower.nearest_videos(v_embedding, p_limit, p_max_safety_level, p_allowed_regions,
        array_append(p_exclude_video_ids, p_video_id), p_banned_tags, p_model_version, null);
end
$$;
