-- function: two_tower.search_videos(real[], integer, uuid[], integer, text[], uuid[], text[], text, uuid, integer)
-- The videos nearest to a vector of one release, nearest first: the active release, or the one that p_model_version pins. The filters
-- are inside the scan, so as many rows come back as were asked for, if there are as many; similarity is the cosine. p_seen_by leaves out what
-- that user has decided on. p_looked_at is for how many rows the index looks, where that is more than p_limit: it finds them the surer.
--
-- There are two ways: along the index, which goes on past its first batch (hnsw.iterative_scan) while the filters leave too few rows, up to
-- hnsw.max_scan_tuples; and exactly, over all that passes the filters. Where a filter may leave little, a sample of the release's videos tells
-- how many pass, and the cheaper way is taken; the planner's estimates of overlapping arrays and of questions asked per row are off by
-- magnitudes. Where the index finds too few, the exact way finds all there are. The vector comes as an array, so that a caller's
-- session needn't know pgvector's types.
create or replace function two_tower.search_videos(
    p_embedding real[],
    p_limit int,
    p_banned_tag_ids uuid[],
    p_max_safety_level int,
    p_allowed_regions text[],
    p_exclude_video_ids uuid[],
    p_banned_tags text[],
    p_model_version text,
    p_seen_by uuid,
    p_looked_at int default null)
returns table (video_id uuid, similarity double precision)
rows 200
language plpgsql stable as $$
declare
    v_limit int := least(greatest(coalesce(p_limit, 50), 1), 500);
    v_looked_at int := least(greatest(coalesce(p_looked_at, v_limit), v_limit), 500);
    v_active text;
    v_release two_tower.releases;
    v_table text;
    v_iterative boolean;
    v_norm double precision;
    v_columns text;
    v_scan text;
    v_exact text;
    v_marks record;
    v_tagged boolean := coalesce(cardinality(p_banned_tag_ids) > 0, false) or coalesce(cardinality(p_banned_tags) > 0, false);
    v_changed uuid[];
    v_tags text;
    v_others text;
    v_rows bigint;
    v_pages bigint;
    v_sampled int;
    v_passing int;
    v_passing_others int;
    v_share double precision;
    v_tags_first boolean := false;
    v_tuples double precision;
    v_index_ms double precision;
    v_exact_ms double precision;
    v_way text := 'planner';
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

    if v_tagged then
        v_changed := two_tower.changed_tags();
    end if;
    select * into v_marks from two_tower.tag_marks(two_tower.tag_keys(p_banned_tag_ids, p_banned_tags));
    v_tags := coalesce(two_tower.tag_filter('e.video_id', p_banned_tag_ids, p_banned_tags, v_changed), 'true');
    v_others := two_tower.video_filter(p_allowed_regions, p_exclude_video_ids, null, null, p_seen_by, null);

    -- An iterative scan returns its rows in nearly the right order while the planner takes it to be right: "+ 0" has them sorted again.
    v_columns := 'select array_agg(n.video_id order by n.distance + 0, n.video_id), array_agg(-n.distance order by n.distance + 0, n.video_id)';
    v_scan := format(
        $query$
        %4$s
        from (
            select e.video_id, (e.embedding operator(@vector_schema@.<#>) $10::@vector_schema@.vector::@vector_schema@.%1$I) as distance
            from %2$s e
            left join two_tower.video_statistics s on s.video_id = e.video_id
            join public.videos v on v.id = e.video_id
            where %3$s and %5$s
            order by (e.embedding operator(@vector_schema@.<#>) $10::@vector_schema@.vector::@vector_schema@.%1$I) %%s
            limit $11) n
        $query$,
        v_release.vector_type, v_table, v_tags, v_columns, v_others);

    -- Local to the transaction, and put back below: the caller's own searches in it keep their settings. The cast loads the library,
    -- which is what makes its settings known; below pgvector 0.8 there is no iterative scan.
    perform p_embedding::@vector_schema@.vector;
    v_before := array[
        current_setting('hnsw.ef_search'), current_setting('jit'), current_setting('enable_sort'),
        current_setting('random_page_cost'), current_setting('hnsw.iterative_scan', true)];
    v_iterative := v_before[5] is not null;
    -- With a list as long as the answer the end of the answer is poor. v_looked_at is 500 at most, and pgvector takes 1000.
    perform set_config('hnsw.ef_search', greatest(v_before[1]::int, 2 * v_looked_at)::text, true);
    -- The index's cost is high by design, enough for the planner to compile a query that takes milliseconds: compiling takes longer.
    perform set_config('jit', 'off', true);
    if v_iterative then
        perform set_config('hnsw.iterative_scan', 'relaxed_order', true);
    end if;

    -- Both counts as of the last vacuum or index build; 0 or less where there was none, and then the planner chooses.
    select c.reltuples, c.relpages into v_rows, v_pages from pg_catalog.pg_class c where c.oid = to_regclass(v_table);
    if v_rows > 0 and v_pages > 0 and (v_tagged or cardinality(p_allowed_regions) > 0 or cardinality(p_exclude_video_ids) > v_limit
        or (select count(*) from (select from public.user_video_decisions d where d.user_id = p_seen_by limit 2 * v_limit) d) = 2 * v_limit) then
        execute format(
            $query$
            select count(*), count(*) filter (where %2$s and %3$s), count(*) filter (where %3$s)
            from %1$s e
            left join two_tower.video_statistics s on s.video_id = e.video_id
            join public.videos v on v.id = e.video_id
            where e.ctid = any (array(
                select format('(%%s,%%s)', floor(random() * %4$s), 1 + floor(random() * %5$s))::tid from generate_series(1, 150)))
            $query$,
            v_table, v_tags, v_others, v_pages, ceil(v_rows::double precision / v_pages))
        into v_sampled, v_passing, v_passing_others
        using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
            v_marks.bits, v_marks.others, v_changed;
        -- Milliseconds of a search among 50,000 videos on one machine; only their proportions matter.
        v_share := (v_passing + 0.5) / (v_sampled + 1);
        -- What is near a user's vector has banned tags more often than the sample: one user's index went on to 1,514 of 50,000 for 200 of a third.
        v_tuples := greatest(2 * v_looked_at, case when v_tagged then 2.5 else 1.2 end * v_limit / v_share);
        v_index_ms := 0.036 * v_tuples + case when v_tagged and v_changed is null then 0.01 * v_tuples else 0 end;
        -- Of what the tags leave, do the other conditions leave nearly all? Then they needn't be looked at before the vectors are.
        v_tags_first := v_changed is not null and v_share * (v_sampled / greatest(v_passing_others, 0.5) - 1) < 0.1;
        v_exact_ms := case when v_tags_first then 7 + v_rows * (0.0025 * v_share + 0.00018)
            else v_rows * (0.006 * v_share + case when not v_tagged then 0.0004 when v_changed is null then 0.01 else 0.0006 end) end;
        v_way := case when v_exact_ms < v_index_ms then 'exact' else 'index' end;
    end if;

    if v_way <> 'exact' then
        if v_way = 'index' then
            perform set_config('enable_sort', 'off', true);
        end if;
        execute format(v_scan, '')
        into v_ids, v_similarities
        using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
            v_marks.bits, v_marks.others, v_changed, p_embedding, v_limit;
        perform set_config('enable_sort', v_before[3], true);
    end if;

    if v_way = 'exact' or coalesce(cardinality(v_ids), 0) < v_limit then
        -- What a search reads is in memory, or every search would be slow: a few rows are looked up, not hashed with all others.
        perform set_config('random_page_cost', '1.1', true);
        -- "+ 0": an expression that no index knows, so every row that passes the filters is looked at.
        v_exact := format(v_scan, '+ 0');
        if v_tags_first then
            -- The tags in the narrowest table, then the vectors, and the other conditions from the nearest on. The planner can't guess what the
            -- tags leave; of a list of ids it knows the length.
            execute format(
                $query$
                select array_agg(t.video_id)
                from (
                    select s.video_id from two_tower.video_statistics s where %1$s and s.video_id <> all ($9)
                    union all
                    select e.video_id
                    from (select distinct c.id from unnest($9) as c (id)) as e (video_id)
                    left join two_tower.video_statistics s on s.video_id = e.video_id
                    where %2$s) t
                $query$,
                two_tower.tag_condition(), v_tags)
            into v_ids
            using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
                v_marks.bits, v_marks.others, v_changed;
            v_exact := format(
                $query$
                %3$s
                from (
                    select o.video_id, o.distance
                    from (
                        select e.video_id, (e.embedding operator(@vector_schema@.<#>) $10::@vector_schema@.vector::@vector_schema@.%1$I) as distance
                        from unnest($12) as g (video_id)
                        join %2$s e on e.video_id = g.video_id
                        order by distance
                        offset 0) o
                    join public.videos v on v.id = o.video_id
                    where %4$s
                    order by o.distance
                    limit $11) n
                $query$,
                v_release.vector_type, v_table, v_columns, v_others);
        end if;
        execute v_exact
        into v_ids, v_similarities
        using coalesce(p_max_safety_level, 1), p_allowed_regions, p_exclude_video_ids, p_banned_tag_ids, p_banned_tags, p_seen_by,
            v_marks.bits, v_marks.others, v_changed, p_embedding, v_limit, v_ids;
    end if;

    perform set_config('hnsw.ef_search', v_before[1], true), set_config('jit', v_before[2], true),
        set_config('random_page_cost', v_before[4], true);
    if v_iterative then
        perform set_config('hnsw.iterative_scan', v_before[5], true);
    end if;
    return query select f.id, f.cosine from unnest(v_ids, v_similarities) as f (id, cosine);
exception when undefined_table then
    -- Dropped since it was looked up.
    if strpos(sqlerrm, v_table) = 0 then
        raise;
    end if;
    raise exception 'release % cannot be searched, its vectors are gone', v_release.model_version using errcode = 'TT201', detail = coalesce(v_active, '');
end
$$;
