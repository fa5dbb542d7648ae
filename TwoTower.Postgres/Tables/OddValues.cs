using Npgsql;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>Tells which values of the public tables are NULL to every model, and which rows no model reads: once, with the first of each
/// kind.</summary>
internal static class OddValues
{
    private const string VideoSql =
        """
        select c.name, count(*) as rows, min(v.id::text || E'\t' || left(c.value, 60)) as example
        from public.videos v
        cross join lateral (values
          ('price', case when two_tower.plain_number(v.price::numeric) is null then v.price::text end),
          ('duration_seconds', case when v.duration_seconds not between -2147483648 and 2147483647 then v.duration_seconds::text end),
          ('product_released_at', case when two_tower.plain_time(v.product_released_at) is null then v.product_released_at::text end),
          ('distribution_started_at', case when two_tower.plain_time(v.distribution_started_at) is null then v.distribution_started_at::text end),
          ('created_at', case when two_tower.plain_time(v.created_at) is null then v.created_at::text end),
          ('published_at', case when two_tower.plain_time(v.published_at) is null then v.published_at::text end),
          ('safety_level', case when v.safety_level not between -32768 and 32767 then v.safety_level::text end),
          ('region_codes', case when array_position(v.region_codes, null) is not null then v.region_codes::text end)
        ) c (name, value)
        where v.id is not null and c.value is not null
        group by c.name
        order by c.name
        """;

    private const string ProfileSql =
        """
        select 'created_at' as name, count(*) as rows, min(p.user_id::text || E'\t' || p.created_at::text) as example
        from public.profiles p
        where p.user_id is not null and p.created_at is not null and two_tower.plain_time(p.created_at) is null
        having count(*) > 0
        """;

    // Rows without what makes them one; TableQueries leaves out the same.
    private const string RowSql =
        """
        select r.name, count(*) as rows, min(r.example) as example
        from (
          select 'profiles' as "table", 'user_id is NULL' as reason, coalesce('display_name ' || left(p.display_name::text, 60), 'without a name') as value
          from public.profiles p where p.user_id is null
          union all
          select 'videos', 'id is NULL', coalesce('title ' || left(v.title::text, 60), 'without a title') from public.videos v where v.id is null
          union all
          select 'video_tags', case when t.video_id is null then 'the video is NULL' when t.tag_name is null then 'the name is NULL' else 'the video isn''t there' end,
            format('video %s, %s', coalesce(t.video_id::text, 'NULL'), coalesce(left(t.tag_name, 60), 'NULL'))
          from two_tower.video_tag_names t
          where t.tag_name is null or not exists (select from public.videos v where v.id = t.video_id)
          union all
          select 'video_performers', case when t.video_id is null then 'the video is NULL' when t.performer_name is null then 'the name is NULL' else 'the video isn''t there' end,
            format('video %s, %s', coalesce(t.video_id::text, 'NULL'), coalesce(left(t.performer_name, 60), 'NULL'))
          from two_tower.video_performer_names t
          where t.performer_name is null or not exists (select from public.videos v where v.id = t.video_id)
        ) o
        cross join lateral (values (o."table" || ', ' || o.reason, o."table" || E'\t' || o.reason || ' (the first: ' || o.value)) r (name, example)
        group by r.name
        order by r.name
        """;

    // The reasons in the order in which they are looked for; TableReader leaves out the same rows.
    private const string DecisionSql =
        """
        select r.reason as name, count(*) as rows, min(format(E'%s, video %s\t%s, %s', coalesce(d.user_id::text, 'NULL'), coalesce(d.video_id::text, 'NULL'),
          coalesce(d.decision_type::text, 'NULL'), coalesce(d.created_at::text, 'NULL'))) as example
        from public.user_video_decisions d
        cross join lateral (values (case
          when d.user_id is null then 'the user is NULL'
          when d.video_id is null then 'the video is NULL'
          when d.decision_type is null or d.decision_type::text not in ('like', 'nope') then 'decision_type is neither like nor nope'
          when d.created_at is null or d.created_at < '0001-01-01 00:00:00+00' or d.created_at = 'infinity' then 'created_at is no time that a model reads'
          when d.created_at > statement_timestamp() + interval '10 minutes' then 'created_at is in the future'
        end)) r (reason)
        where r.reason is not null
        group by r.reason
        order by r.reason
        """;

    /// <summary>Looks through the tables.</summary>
    /// <param name="connection">In the transaction that reads them.</param>
    /// <param name="say">Told a line for each kind.</param>
    public static async Task TellAsync(NpgsqlConnection connection, Action<string> say, CancellationToken ct)
    {
        foreach (var odd in await FindAsync(connection, ct)) say(odd.Sentence);
        foreach (var (_, count, table, reason) in await ReadAsync(connection, RowSql, ct))
        {
            say($"public.{table}: {Amounts.Count(count)} {(count == 1 ? "row isn't" : "rows aren't")} read, because {reason})");
        }

        foreach (var (reason, count, id, value) in await ReadAsync(connection, DecisionSql, ct))
        {
            say($"public.user_video_decisions: {Amounts.Count(count)} {(count == 1 ? "row isn't" : "rows aren't")} read, because {reason} (the first: user {id}: {value})");
        }
    }

    /// <summary>The values of videos and profiles that are NULL to every model and in every answer, by column.</summary>
    public static async Task<IReadOnlyList<OddValue>> FindAsync(NpgsqlConnection connection, CancellationToken ct) =>
    [
        .. (await ReadAsync(connection, VideoSql, ct)).Select(row => new OddValue("videos", row.Name, row.Count, row.Id, row.Value)),
        .. (await ReadAsync(connection, ProfileSql, ct)).Select(row => new OddValue("profiles", row.Name, row.Count, row.Id, row.Value)),
    ];

    private static async Task<List<(string Name, long Count, string Id, string Value)>> ReadAsync(NpgsqlConnection connection, string sql,
        CancellationToken ct)
    {
        return await connection.Sql(sql).ListAsync(row =>
        {
            var example = row.Get<string>("example").Split('\t', 2);
            return (row.Get<string>("name"), row.Get<long>("rows"), example[0], example[1]);
        }, ct);
    }
}

/// <summary>Values of a column that are read as NULL.</summary>
/// <param name="Table">A table of schema public.</param>
/// <param name="Count">How many.</param>
/// <param name="Id">Key of the first.</param>
/// <param name="Value">The first, as PostgreSQL writes it, cut off.</param>
internal readonly record struct OddValue(string Table, string Column, long Count, string Id, string Value)
{
    /// <summary>What to tell of it.</summary>
    public string Sentence =>
        $"public.{Table}.{Column}: {Amounts.Count(Count)} {(Count == 1 ? "value is" : "values are")} NULL to a model (the first: {Id} has {Value})";
}
