-- function: public.two_tower_release_files(text, text[])
-- For readers outside of this program: files of a release with their SHA-256, the content as base64; null content where the release is retired and its
-- files were freed. p_paths: which files; null is all of them. No rows for an unknown release.
create or replace function public.two_tower_release_files(p_model_version text, p_paths text[] default null)
returns table (path text, sha256 text, size bigint, content text)
language sql
stable
security invoker
as $$
    select f.path, f.sha256, f.size, encode(f.content, 'base64')
    from two_tower.release_files f join two_tower.releases r on r.release_id = f.release_id
    where r.model_version = p_model_version and (p_paths is null or f.path = any (p_paths))
    order by f.path
$$;
