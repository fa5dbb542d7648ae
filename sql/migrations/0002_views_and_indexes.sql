-- What every query of ours stands on: views that hide whether tags and performers are flat (video_tags.tag_name) or normalised
-- (tags.name through video_tags.tag_id), and the indexes of the feature and search paths.

-- Functions of schema public run as their caller and read these views; the views themselves give nobody anything that the tables
-- below them don't (security_invoker).
grant usage on schema two_tower to public;

do $$
declare
  tag_id text;
  performer_id text;
begin
  if exists (select from pg_attribute
             where attrelid = 'public.video_tags'::regclass and attname = 'tag_name' and not attisdropped) then
    create view two_tower.video_tag_names with (security_invoker = true) as
      select t.video_id, null::uuid as tag_id, t.tag_name::text as tag_name
      from public.video_tags t;
  else
    -- Ids of another type can't be named in p_banned_tag_ids; such a deployment bans by name.
    select case when atttypid = 'uuid'::regtype then 't.tag_id' else 'null::uuid' end into strict tag_id
    from pg_attribute where attrelid = 'public.video_tags'::regclass and attname = 'tag_id' and not attisdropped;
    execute format(
      'create view two_tower.video_tag_names with (security_invoker = true) as
         select t.video_id, %s as tag_id, n.name::text as tag_name
         from public.video_tags t join public.tags n on n.id = t.tag_id', tag_id);
  end if;

  if exists (select from pg_attribute
             where attrelid = 'public.video_performers'::regclass and attname = 'performer_name' and not attisdropped) then
    create view two_tower.video_performer_names with (security_invoker = true) as
      select p.video_id, null::uuid as performer_id, p.performer_name::text as performer_name
      from public.video_performers p;
  else
    select case when atttypid = 'uuid'::regtype then 'p.performer_id' else 'null::uuid' end into strict performer_id
    from pg_attribute where attrelid = 'public.video_performers'::regclass and attname = 'performer_id' and not attisdropped;
    execute format(
      'create view two_tower.video_performer_names with (security_invoker = true) as
         select p.video_id, %s as performer_id, n.name::text as performer_name
         from public.video_performers p join public.performers n on n.id = p.performer_id', performer_id);
  end if;
end
$$;

comment on view two_tower.video_tag_names is 'Tags of videos by name, whether the tables are flat or normalised; tag_id is null where they are flat.';
comment on view two_tower.video_performer_names is 'Performers of videos by name, whether the tables are flat or normalised; performer_id is null where they are flat.';
grant select on two_tower.video_tag_names, two_tower.video_performer_names to public;

-- Indexes are added only where no index begins with these columns already.
do $$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      ('user_video_decisions', array['user_id', 'created_at'],
       'create index user_video_decisions_user_id_created_at_idx on public.user_video_decisions (user_id, created_at) include (video_id, decision_type)'),
      ('user_video_decisions', array['video_id'],
       'create index user_video_decisions_video_id_idx on public.user_video_decisions (video_id)'),
      ('video_tags', array['video_id'],
       'create index video_tags_video_id_idx on public.video_tags (video_id)'),
      ('video_performers', array['video_id'],
       'create index video_performers_video_id_idx on public.video_performers (video_id)')
    ) as w (table_name, leading_columns, statement)
    where not exists (
      select
      from pg_index i
      where i.indrelid = ('public.' || w.table_name)::regclass
        and i.indisvalid
        and i.indpred is null
        and (
          select array_agg(a.attname::text order by k.position)
          from unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.position <= cardinality(w.leading_columns)
        ) = w.leading_columns
    )
  loop
    execute wanted.statement;
  end loop;

  -- Cosine, as every search of the contract asks; a table of theirs that has an HNSW index keeps it, and one whose column has no
  -- dimension can't have any.
  if not exists (select
                 from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
                 where i.indrelid = 'public.video_embeddings'::regclass and a.amname = 'hnsw')
     and exists (select
                 from pg_attribute
                 where attrelid = 'public.video_embeddings'::regclass and attname = 'embedding' and atttypmod between 1 and 2000) then
    execute 'create index video_embeddings_embedding_idx on public.video_embeddings using hnsw (embedding @vector_schema@.vector_cosine_ops)';
  end if;
end
$$;
