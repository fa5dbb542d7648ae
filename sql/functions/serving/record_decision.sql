-- function: two_tower.record_decision(uuid, uuid, text, timestamptz)
-- Writes a decision on a video that exists. Given its time, a repetition changes nothing; without one it is the database's now. A phone's clock
-- may be ahead by minutes; a decision of tomorrow is a mistake, and would count as the latest one for a day: what is the future, this database's
-- clock says, one for all replicas. A
-- table of theirs may have constraints of its own (one decision a video, say): what they keep out is told as a conflict.
create or replace function two_tower.record_decision(p_user_id uuid, p_video_id uuid, p_decision text, p_decided_at timestamptz,
    out outcome text, out decided_at timestamptz)
language plpgsql as $$
declare
    v_type text;
    v_written timestamptz;
begin
    decided_at := coalesce(p_decided_at, clock_timestamp());
    if p_decided_at > clock_timestamp() + interval '5 minutes' then
        outcome := 'in_the_future';
        return;
    end if;
    if not exists (select from public.videos v where v.id = p_video_id) then
        outcome := 'unknown_video';
        return;
    end if;

    -- Before the first decision is there: whoever has one has come already, and a profile says itself how old it is.
    insert into two_tower.user_arrivals (user_id)
    select p_user_id
    where not exists (select from public.user_video_decisions d where d.user_id = p_user_id)
        and not exists (select from public.profiles p where p.user_id = p_user_id)
    on conflict do nothing;

    -- The column may be an enum there; its name is the cast.
    select format_type(a.atttypid, a.atttypmod) into v_type
    from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass('public.user_video_decisions') and a.attname = 'decision_type' and not a.attisdropped;
    execute format(
        $query$
        insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
        values ($1, $2, $3::%s, $4)
        on conflict do nothing
        returning 'recorded', created_at
        $query$, v_type)
    into outcome, v_written using p_user_id, p_video_id, p_decision, decided_at;
    if (v_written at time zone 'UTC')::date <> (clock_timestamp() at time zone 'UTC')::date then
        insert into two_tower.decision_arrivals (user_id, video_id, decided_at) values (p_user_id, p_video_id, v_written) on conflict do nothing;
    end if;
    if outcome is null then
        outcome := case when exists (
            select from public.user_video_decisions d
            where d.user_id = p_user_id and d.video_id = p_video_id and d.decision_type::text = p_decision and d.created_at = p_decided_at)
            then 'already_there' else 'conflict' end;
    end if;
end
$$;
