-- Retired releases give the bytes of their files back (two_tower.free_release_files). What they were stays: path, size and SHA-256, so that an
-- exported bundle can still be told to be that release.

alter table two_tower.release_files alter column content drop not null;

comment on column two_tower.release_files.content is 'TwoTower: null: its release is retired, and retention has freed it';

-- As in 0003, and: a file comes with its content, which goes when its release is retired; it itself goes with its release only.
create or replace function two_tower.guard_release_file() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        raise exception 'file % has no content: a release is registered whole', new.path using errcode = 'TT102';
    end if;
    if tg_op = 'DELETE' then
        if exists (select from two_tower.releases r where r.release_id = old.release_id) then
            raise exception 'release files are immutable: register another release' using errcode = 'TT102';
        end if;
        return old;
    end if;
    if new.content is null
        and (new.release_id, new.path, new.sha256, new.size) is not distinct from (old.release_id, old.path, old.sha256, old.size)
        and exists (select from two_tower.releases r where r.release_id = old.release_id and r.state = 'retired') then
        return new;
    end if;
    raise exception 'release files are immutable: register another release' using errcode = 'TT102';
end
$$;

create trigger guard_new_release_file before insert on two_tower.release_files
    for each row when (new.content is null) execute function two_tower.guard_release_file();

create trigger guard_kept_release_file before delete on two_tower.release_files
    for each row execute function two_tower.guard_release_file();
