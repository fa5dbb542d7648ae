-- function: two_tower.served_release(uuid, text)
-- The release that a user is served by: the active one, or that of the running experiment for the users whose place (user_share, the
-- experiment's salt) is below its share. An experiment's release that failed, lost its table or is p_except (what the caller found it
-- can't use) leaves its users to the active one. No row: nothing is active.
create or replace function two_tower.served_release(p_user_id uuid, p_except text default null)
returns table (release_id bigint, model_version text, experiment_id bigint, is_treated boolean)
language sql stable rows 1 as $$
    select r.release_id, r.model_version, x.experiment_id, t.release_id is not null
    from two_tower.active_release a
    left join two_tower.experiments x on x.stopped_at is null
    left join two_tower.releases t on t.release_id = x.release_id
        and two_tower.user_share(p_user_id, x.salt) < x.share
        and t.state = 'ready' and t.model_version is distinct from p_except
        and to_regclass(format('two_tower.video_embeddings_%s', t.release_id)) is not null
    join two_tower.releases r on r.release_id = coalesce(t.release_id, a.release_id)
$$;
