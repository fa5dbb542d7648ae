-- function: public.two_tower_active_release()
-- For readers outside of this program: the active release, null with none, and the release whose vectors public.video_embeddings holds (contract, section 9).
create or replace function public.two_tower_active_release()
returns jsonb
language sql
stable
security invoker
as $$
    select jsonb_build_object(
        'model_version', r.model_version,
        'embedding_dim', r.embedding_dim,
        'activation_id', a.activation_id,
        'activated_at', two_tower.utc_text(a.activated_at),
        'public_table_model_version', (select p.model_version from two_tower.public_vectors p))
    from two_tower.active_release a left join two_tower.releases r on r.release_id = a.release_id
$$;
