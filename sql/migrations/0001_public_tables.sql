-- The public tables of the contract and the extension they need. A deployment on Supabase has most of this already: what is
-- there stays as it is, what is absent is added, nothing is altered destructively.

create schema if not exists two_tower;

-- Supabase keeps extensions in a schema of their own. Whatever follows finds the vector types wherever they are.
do $$
declare
  vector_schema text;
begin
  if not exists (select from pg_extension where extname = 'vector') then
    if to_regnamespace('extensions') is not null then
      create extension vector with schema extensions;
    else
      create extension vector with schema public;
    end if;
  end if;

  select quote_ident(n.nspname) into vector_schema
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  where e.extname = 'vector';
  perform set_config('search_path', 'public, ' || vector_schema || ', pg_catalog', true);
end
$$;

-- A table that is there must have the columns that everything reads, in types that it understands; a column that can be added
-- below may be missing. TT001 is an error about the database's state, shown to a person as it is.
do $$
declare
  wrong record;
begin
  for wrong in
    select wanted.*, format_type(a.atttypid, a.atttypmod) as actual_type
    from (values
      ('profiles', 'user_id', true, array['uuid']),
      ('profiles', 'created_at', false, array['timestamptz']),
      ('videos', 'id', true, array['uuid']),
      ('videos', 'price', false, array['numeric', 'int2', 'int4', 'int8', 'float4', 'float8']),
      ('videos', 'duration_seconds', false, array['int2', 'int4', 'int8', 'numeric']),
      ('videos', 'product_released_at', false, array['timestamptz']),
      ('videos', 'distribution_started_at', false, array['timestamptz']),
      ('videos', 'safety_level', false, array['int2', 'int4', 'int8']),
      ('videos', 'region_codes', false, array['_text', '_varchar']),
      ('videos', 'is_active', false, array['bool']),
      ('video_tags', 'video_id', true, array['uuid']),
      ('video_performers', 'video_id', true, array['uuid']),
      ('user_video_decisions', 'user_id', true, array['uuid']),
      ('user_video_decisions', 'video_id', true, array['uuid']),
      ('user_video_decisions', 'decision_type', true, array['text', 'varchar', 'enum']),
      ('user_video_decisions', 'created_at', true, array['timestamptz']),
      ('video_embeddings', 'video_id', true, array['uuid'])
    ) as wanted (table_name, column_name, required, types)
    left join pg_attribute a
      on a.attrelid = to_regclass('public.' || wanted.table_name) and a.attname = wanted.column_name and not a.attisdropped
    left join pg_type t on t.oid = a.atttypid
    where to_regclass('public.' || wanted.table_name) is not null
      and case
        when a.attname is null then wanted.required
        else not (t.typname = any (wanted.types) or (t.typtype = 'e' and 'enum' = any (wanted.types)))
      end
  loop
    raise exception using errcode = 'TT001', message = format(
      'The table public.%s, which was there before, has %s: TwoTower needs a column %s of type %s. Change the column or use another database.',
      wrong.table_name,
      coalesce('a column ' || wrong.column_name || ' of type ' || wrong.actual_type, 'no column ' || wrong.column_name),
      wrong.column_name,
      array_to_string(wrong.types, ' or '));
  end loop;

  for wrong in
    select *
    from (values ('video_tags', 'tag_name', 'tag_id', 'tags'), ('video_performers', 'performer_name', 'performer_id', 'performers'))
      as s (table_name, name_column, id_column, names_table)
    where to_regclass('public.' || s.table_name) is not null
      and not exists (select from pg_attribute
                      where attrelid = to_regclass('public.' || s.table_name) and attname = s.name_column and not attisdropped)
      and (not exists (select from pg_attribute
                       where attrelid = to_regclass('public.' || s.table_name) and attname = s.id_column and not attisdropped)
        or 2 <> (select count(*) from pg_attribute
                 where attrelid = to_regclass('public.' || s.names_table) and attname in ('id', 'name') and not attisdropped))
  loop
    raise exception using errcode = 'TT001', message = format(
      'The table public.%1$s, which was there before, has neither a column %2$s nor a column %3$s into public.%4$s (id, name): TwoTower can''t tell names from it. Change the table or use another database.',
      wrong.table_name, wrong.name_column, wrong.id_column, wrong.names_table);
  end loop;
end
$$;

create table if not exists public.profiles (
  user_id uuid primary key,
  display_name text,
  created_at timestamptz default now()
);

create table if not exists public.videos (
  id uuid primary key default gen_random_uuid(),
  external_id text,
  title text,
  description text,
  duration_seconds int,
  thumbnail_url text,
  preview_video_url text,
  distribution_code text,
  maker_code text,
  director text,
  series text,
  maker text,
  label text,
  price numeric,
  distribution_started_at timestamptz,
  product_released_at timestamptz,
  sample_video_url text,
  image_urls jsonb,
  source text,
  published_at timestamptz,
  product_url text,
  created_at timestamptz default now(),
  safety_level smallint not null default 0,
  region_codes text[] not null default '{}',
  is_active boolean not null default true
);

create table if not exists public.video_tags (
  video_id uuid not null references public.videos (id) on delete cascade,
  tag_name text not null,
  primary key (video_id, tag_name)
);

create table if not exists public.video_performers (
  video_id uuid not null references public.videos (id) on delete cascade,
  performer_name text not null,
  primary key (video_id, performer_name)
);

-- No foreign keys: a decision may outlive its video, and name a user without a profile.
create table if not exists public.user_video_decisions (
  user_id uuid not null,
  video_id uuid not null,
  decision_type text not null check (decision_type in ('like', 'nope')),
  created_at timestamptz not null default now(),
  primary key (user_id, video_id, decision_type, created_at)
);

create table if not exists public.video_embeddings (
  video_id uuid primary key,
  embedding vector(256) not null,
  updated_at timestamptz not null default now()
);

create table if not exists public.user_embeddings (
  user_id uuid primary key,
  embedding vector(256) not null,
  updated_at timestamptz not null default now()
);

-- Columns that a table of theirs lacks. Adding one is additive; a table that is complete isn't touched, so that its owner need not
-- be who migrates.
do $$
declare
  missing record;
begin
  for missing in
    select wanted.*
    from (values
      ('profiles', 'display_name', 'text'),
      ('profiles', 'created_at', 'timestamptz'),
      ('videos', 'external_id', 'text'),
      ('videos', 'title', 'text'),
      ('videos', 'description', 'text'),
      ('videos', 'duration_seconds', 'int'),
      ('videos', 'thumbnail_url', 'text'),
      ('videos', 'preview_video_url', 'text'),
      ('videos', 'distribution_code', 'text'),
      ('videos', 'maker_code', 'text'),
      ('videos', 'director', 'text'),
      ('videos', 'series', 'text'),
      ('videos', 'maker', 'text'),
      ('videos', 'label', 'text'),
      ('videos', 'price', 'numeric'),
      ('videos', 'distribution_started_at', 'timestamptz'),
      ('videos', 'product_released_at', 'timestamptz'),
      ('videos', 'sample_video_url', 'text'),
      ('videos', 'image_urls', 'jsonb'),
      ('videos', 'source', 'text'),
      ('videos', 'published_at', 'timestamptz'),
      ('videos', 'product_url', 'text'),
      ('videos', 'created_at', 'timestamptz'),
      ('videos', 'safety_level', 'smallint not null default 0'),
      ('videos', 'region_codes', 'text[] not null default ''{}'''),
      ('videos', 'is_active', 'boolean not null default true'),
      ('video_embeddings', 'updated_at', 'timestamptz not null default now()'),
      ('user_embeddings', 'updated_at', 'timestamptz not null default now()')
    ) as wanted (table_name, column_name, definition)
    where not exists (
      select from pg_attribute a
      where a.attrelid = to_regclass('public.' || wanted.table_name)
        and a.attname = wanted.column_name
        and a.attnum > 0
        and not a.attisdropped
    )
  loop
    execute format('alter table public.%I add column %I %s', missing.table_name, missing.column_name, missing.definition);
  end loop;
end
$$;
