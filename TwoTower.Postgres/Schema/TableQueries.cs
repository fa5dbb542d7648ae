using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Schema;

/// <summary>What a training asks of the public tables; a migration tries whether tables of theirs can answer it.</summary>
internal static class TableQueries
{
    /// <summary>Videos with their tags and performers.</summary>
    public static readonly string Videos =
        $"""
        select v.id, v.external_id::text as external_id, v.title::text as title, v.description::text as description,
          case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int4 end as duration_seconds,
          v.maker::text as maker, two_tower.plain_number(v.price::numeric) as price,
          v.distribution_started_at::timestamptz as distribution_started_at,
          v.product_released_at::timestamptz as product_released_at, v.created_at::timestamptz as created_at,
          least(greatest(coalesce(v.safety_level, 0), -32768), 32767)::int2 as safety_level,
          array(select r.code::text from unnest(v.region_codes) as r (code) where r.code is not null) as region_codes,
          coalesce(v.is_active, true) as is_active, t.names as tags, p.names as performers,
          {string.Join(", ", VideoColumns.Other.Select(name => $"{Text(name)} as {name}"))}
        from public.videos v
        left join (
          select video_id, array_agg(tag_name order by tag_name collate "C") as names
          from two_tower.video_tag_names where tag_name is not null group by video_id
        ) t on t.video_id = v.id
        left join (
          select video_id, array_agg(performer_name order by performer_name collate "C") as names
          from two_tower.video_performer_names where performer_name is not null group by video_id
        ) p on p.video_id = v.id
        where v.id is not null
        order by v.id
        """;

    /// <summary>Profiles.</summary>
    public const string Profiles =
        """
        select user_id, display_name::text as display_name, created_at::timestamptz as created_at
        from public.profiles where user_id is not null order by user_id
        """;

    /// <summary>Decisions that a model reads.</summary>
    public const string Decisions =
        """
        select user_id, video_id, decision_type::text = 'like', created_at
        from public.user_video_decisions
        where decision_type::text in ('like', 'nope') and user_id is not null and video_id is not null
          and created_at between '0001-01-01 00:00:00+00' and statement_timestamp() + interval '10 minutes'
        order by created_at, user_id, video_id, decision_type::text
        """;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Profiles, Videos, Decisions];

    private static string Text(string column) =>
        column == "published_at" ? "two_tower.utc_text(two_tower.plain_time(v.published_at))" : $"v.{column}::text";
}
