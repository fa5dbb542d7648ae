-- function: two_tower.search_videos(real[], integer, uuid[], integer, text[], uuid[], text[], text)
-- The videos nearest to a vector of one release, nearest first: the active release, or the one that p_model_version pins. The filters
-- are inside the scan, so as many rows come back as were asked for, if there are as many; similarity is the cosine.
--
-- The scan goes on past the first batch of the index (hnsw.iterative_scan) while the filters leave too few rows, up to
-- hnsw.max_scan_tuples; if there are still too few then, an exact search finds all there are. Where the filters are selective the
-- planner takes the exact way at once. The vector comes as an array, so that a caller's session needn't know pgvector's types.
create or replace function two_tower.search_videos(
    p_embedding real[],
    p_limit int,
    p_banned_tag_ids uuid[],
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_model_version text)
returns table (video_id uuid, similarity double precision)
rows 200
language plpgsql stable as $$
declare
    v_limit int := least(greatest(coalesce(p_limit, 50), 1), 500);
    v_active text;
    v_release two_tower.releases;
    v_table text;
    v_iterative boolean;
    v_norm double precision;
    v_scan text;
    v_before text[];
    v_ids uuid[];
    v_similarities double precision[];
begin
    select r.model_version into v_active from two_tower.active_release a join two_tower.releases r using (release_id);
    select r.* into v_release from two_tower.releases r
    where r.model_version = coalesce(p_model_version, v_active) and r.state in ('active', 'ready');
    -- By name: an oid whose table is dropped meanwhile would end up in the statement as a bare number.
    v_table := format('two_tower.video_embeddings_%s', v_release.release_id);
    if to_regclass(v_table) is null then
        if p_model_version is null and v_active is null then
            raise exception 'no release is active' using errcode = 'TT202', hint = 'Train or import one, and activate it.';
        end if;
        raise exception 'release % cannot be searched, it is not ready or gone: active is %',
            coalesce(p_model_version, v_active), coalesce(v_active, 'none') using errcode = 'TT201', detail = coalesce(v_active, '');
    end if;

    if cardinality(p_embedding) is distinct from v_release.embedding_dim then
        raise exception 'p_embedding has % dimensions, release % has %',
            coalesce(cardinality(p_embedding), 0), v_release.model_version, v_release.embedding_dim using errcode = '22023';
    end if;
    -- The index is by inner product, which is the cosine of unit vectors.
    select sqrt(sum(x::double precision * x)) into v_norm from unnest(p_embedding) as x;
    if not v_norm > 0 or v_norm in ('NaN', 'Infinity') then
        raise exception 'p_embedding has length %: nothing is near it', coalesce(v_norm, 0) using errcode = '22023';
    end if;
    if abs(v_norm - 1) > 1e-5 then
        select array_agg((x / v_norm)::real order by i) into p_embedding from unnest(p_embedding) with ordinality as u (x, i);
    end if;

    -- An iterative scan returns its rows in nearly the right order while the planner takes it to be right: "+ 0" has them sorted again.
    v_scan := format(
        $query$
        select array_agg(n.video_id order by n.distance + 0, n.video_id), array_agg(-n.distance order by n.distance + 0, n.video_id)
        from (
            select e.video_id, (e.embedding operator(@vector_schema@.<#>) $6::@vector_schema@.vector::@vector_schema@.%1$I) as distance
            from %2$s e
            join public.videos v on v.id = e.video_id
            where %3$s
            order by (e.embedding operator(@vector_schema@.<#>) $6::@vector_schema@.vector::@vector_schema@.%1$I) %%s
            limit $7) n
        $query$,
        v_release.vector_type, v_table,
        two_tower.video_filter(p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags));

    -- Local to the transaction, and put back below: the caller's own searches in it keep their settings. The cast loads the library,
    -- which is what makes its settings known; below pgvector 0.8 there is no iterative scan.
    perform p_embedding::@vector_schema@.vector;
    v_before := array[current_setting('hnsw.ef_search'), current_setting('jit'), current_setting('hnsw.iterative_scan', true)];
    v_iterative := v_before[3] is not null;
    -- With a list as long as the answer the end of the answer is poor. v_limit is 500 at most, and pgvector takes 1000.
    perform set_config('hnsw.ef_search', greatest(v_before[1]::int, 2 * v_limit)::text, true);
    -- The index's cost is high by design, enough for the planner to compile a query that takes milliseconds: compiling takes longer.
    perform set_config('jit', 'off', true);
    if v_iterative then
        perform set_config('hnsw.iterative_scan', 'relaxed_order', true);
    end if;
    execute format(v_scan, '')
    into v_ids, v_similarities
    using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_embedding, v_limit;

    if coalesce(cardinality(v_ids), 0) < v_limit then
        -- An expression that no index knows: every row that passes the filters is looked at.
        execute format(v_scan, '+ 0')
        into v_ids, v_similarities
        using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_embedding, v_limit;
    end if;

    perform set_config('hnsw.ef_search', v_before[1], true), set_config('jit', v_before[2], true);
    if v_iterative then
        perform set_config('hnsw.iterative_scan', v_before[3], true);
    end if;
    return query select f.id, f.cosine from unnest(v_ids, v_similarities) as f (id, cosine);
end
$$;
