-- function: public.two_tower_record_serving(jsonb, double precision, bigint)
-- For readers outside of this program: takes what was served, so that experiments and the automatic rollback see it (contract, section 9). p_answers
-- is an array, an object an answer: user_id, model_version (null without a model), strategy, video_ids (best first), experiment_id and served_at
-- as the request's context had them; failed, true where there was no answer and the release was why; filters, of an empty answer, as the search had
-- them. Counts are of all answers, impressions of p_share of the users (the same ones always), p_max_rows in two days at most. Returns the
-- impressions recorded.
create or replace function public.two_tower_record_serving(p_answers jsonb, p_share double precision default 0.1, p_max_rows bigint default 20000000)
returns bigint
language plpgsql as $$
declare
    v_answer record;
    v_finds boolean;
    v_rows bigint := 0;
begin
    if jsonb_typeof(p_answers) is distinct from 'array' then
        raise exception 'p_answers is %: an array of answers was expected', coalesce(jsonb_typeof(p_answers), 'null') using errcode = '22023';
    end if;
    for v_answer in
        select a.user_id, a.model_version, a.strategy, coalesce(a.video_ids, '{}') as video_ids, a.experiment_id,
            coalesce(a.served_at, clock_timestamp()) as served_at, coalesce(a.failed, false) as failed, a.filters
        from jsonb_to_recordset(p_answers) as a (
            user_id uuid, model_version text, strategy text, video_ids uuid[], experiment_id bigint, served_at timestamptz, failed boolean,
            filters jsonb)
    loop
        if v_answer.user_id is null or v_answer.strategy is null then
            raise exception 'an answer in p_answers has no %: it needs both user_id and strategy',
                case when v_answer.user_id is null then 'user_id' else 'strategy' end using errcode = '22023';
        end if;
        if v_answer.failed then
            perform two_tower.add_serving_counts(array[v_answer.model_version], '{0}', '{0}', '{1}'),
                two_tower.add_serving_faults(array[v_answer.model_version], '{failed}', array[v_answer.user_id]);
            continue;
        end if;
        if v_answer.model_version is not null and cardinality(v_answer.video_ids) > 0 then
            perform two_tower.add_serving_counts(array[v_answer.model_version], '{1}', '{0}', '{0}');
        elsif v_answer.model_version is not null then
            -- An empty answer counts only where the release to go back to would have found something.
            select two_tower.other_release_finds(
                v_answer.model_version, f.max_safety_level, f.allowed_regions, f.exclude_video_ids, f.banned_tags, f.seen_by, f.banned_tag_ids)
            into v_finds
            from jsonb_to_record(coalesce(v_answer.filters, '{}')) as f (
                max_safety_level int, allowed_regions text[], exclude_video_ids uuid[], banned_tags text[], banned_tag_ids uuid[], seen_by uuid);
            if v_finds then
                perform two_tower.add_serving_counts(array[v_answer.model_version], '{1}', '{1}', '{0}'),
                    two_tower.add_serving_faults(array[v_answer.model_version], '{empty}', array[v_answer.user_id]);
            end if;
        end if;
        if two_tower.user_share(v_answer.user_id, 'impressions') < p_share then
            v_rows := v_rows + (
                select two_tower.record_impressions(
                    array_agg(v_answer.served_at order by v.rank), array_agg(v_answer.model_version order by v.rank),
                    array_agg(v_answer.experiment_id order by v.rank), array_agg(v_answer.user_id order by v.rank),
                    array_agg(v.id order by v.rank), array_agg(v.rank::int order by v.rank), array_agg(v_answer.strategy order by v.rank), p_max_rows)
                from (
                    select u.id, u.rank from unnest(v_answer.video_ids) with ordinality as u (id, rank)
                    union all
                    select null, 0 where cardinality(v_answer.video_ids) = 0) v);
        end if;
    end loop;
    return v_rows;
end
$$;
