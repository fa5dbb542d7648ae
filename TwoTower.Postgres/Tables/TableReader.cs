using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>Reads the public tables into memory: streamed, decisions by binary COPY, in an order that is the same every time.</summary>
internal static class TableReader
{
    private static readonly string VideoSql =
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
          select video_id, array_agg(tag_name order by tag_name collate "C") as names from two_tower.video_tag_names where tag_name is not null group by video_id
        ) t on t.video_id = v.id
        left join (
          select video_id, array_agg(performer_name order by performer_name collate "C") as names
          from two_tower.video_performer_names where performer_name is not null group by video_id
        ) p on p.video_id = v.id
        where v.id is not null
        order by v.id
        """;

    private const string ProfileSql =
        """
        select user_id, display_name::text as display_name, created_at::timestamptz as created_at
        from public.profiles where user_id is not null order by user_id
        """;

    private const string DecisionSql =
        """
        select user_id, video_id, decision_type::text = 'like', created_at
        from public.user_video_decisions
        where decision_type::text in ('like', 'nope') and user_id is not null and video_id is not null
          and created_at between '0001-01-01 00:00:00+00' and statement_timestamp() + interval '10 minutes'
        order by created_at, user_id, video_id, decision_type::text
        """;

    /// <summary>What is asked of the public tables, for a migration to try.</summary>
    internal static readonly IReadOnlyList<string> Queries = [ProfileSql, VideoSql, DecisionSql];

    /// <summary>Reads all rows of profiles, videos (with tags, performers and all vectors) and decisions, as of one moment.</summary>
    /// <exception cref="InputException">The database doesn't answer or isn't migrated.</exception>
    public static Task<TableSet> ReadAsync(NpgsqlDataSource db, CancellationToken ct) => ReadAsync(db, null, ct);

    /// <summary>The same with some of the videos' vectors.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="videoFeatures">Names of vectors (<c>two_tower.video_features</c>); null: all.</param>
    /// <param name="say">Told which values are NULL to a model, and which rows aren't read.</param>
    /// <exception cref="InputException">The database doesn't answer or isn't migrated.</exception>
    public static async Task<TableSet> ReadAsync(
        NpgsqlDataSource db, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct, Action<string>? say = null)
    {
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);

            // One snapshot: rows that arrive meanwhile are in all of it or in none.
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            await WholeTables.BeginAsync(connection, ct);
            if (say is not null) await OddValues.TellAsync(connection, say, ct);
            return new(
                await ReadProfilesAsync(connection, ct), await ReadVideosAsync(connection, videoFeatures, ct), await ReadDecisionsAsync(connection, ct));
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn
            or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedFunction)
        {
            throw new InputException($"The database isn't migrated ({error.MessageText}). Run: twotower db migrate", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    private static Task<List<ProfileRow>> ReadProfilesAsync(NpgsqlConnection connection, CancellationToken ct) => connection.Sql(ProfileSql)
        .ListAsync(row => new ProfileRow(row.Get<Guid>("user_id"), row.GetOrNull<string>("display_name"), Time(row, "created_at")), ct);

    private static async Task<List<VideoRow>> ReadVideosAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct)
    {
        var vectors = await VideoFeatureReader.ReadAsync(connection, null, videoFeatures, ct);
        var shared = new Dictionary<string, string>(StringComparer.Ordinal);
        var rows = await connection.Sql(VideoSql).ListAsync(row => Video(row, shared), ct);
        for (var i = 0; i < rows.Count; i++)
        {
            if (vectors.TryGetValue(rows[i].Id, out var own)) rows[i] = rows[i] with { VideoFeatures = own };
        }

        return rows;
    }

    private static async Task<List<DecisionRow>> ReadDecisionsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var export = await connection.BeginBinaryExportAsync($"copy ({DecisionSql}) to stdout (format binary)", ct);
        var rows = new List<DecisionRow>();
        while (await export.StartRowAsync(ct) != -1)
        {
            rows.Add(new(
                export.Read<Guid>(NpgsqlDbType.Uuid),
                export.Read<Guid>(NpgsqlDbType.Uuid),
                export.Read<bool>(NpgsqlDbType.Boolean) ? DecisionType.Like : DecisionType.Nope,
                PostgresTime.FromMicros(export.Read<long>(NpgsqlDbType.TimestampTz))!.Value));
        }

        return rows;
    }

    private static VideoRow Video(SqlRow row, Dictionary<string, string> shared) => new()
    {
        Id = row.Get<Guid>("id"),
        ExternalId = row.GetOrNull<string>("external_id"),
        Title = row.GetOrNull<string>("title"),
        Description = row.GetOrNull<string>("description"),
        DurationSeconds = row.Get<int?>("duration_seconds"),
        Maker = row.GetOrNull<string>("maker"),
        Price = row.Get<decimal?>("price"),
        DistributionStartedAt = Time(row, "distribution_started_at"),
        ProductReleasedAt = Time(row, "product_released_at"),
        CreatedAt = Time(row, "created_at"),
        SafetyLevel = row.Get<short>("safety_level"),
        RegionCodes = Names(row, "region_codes", shared),
        IsActive = row.Get<bool>("is_active"),
        Tags = Names(row, "tags", shared),
        Performers = Names(row, "performers", shared),
        OtherColumns = Others(row),
    };

    // As PostgreSQL sends it: .NET has no time for infinity.
    private static DateTimeOffset? Time(SqlRow row, string column) =>
        row.Get<long?>(column) is { } micros ? PostgresTime.FromMicros(micros) : null;

    // A few thousand names are on millions of rows: one copy of each.
    private static string[] Names(SqlRow row, string column, Dictionary<string, string> shared)
    {
        if (row.GetOrNull<string[]>(column) is not { } names) return [];
        for (var i = 0; i < names.Length; i++)
        {
            if (!shared.TryGetValue(names[i], out var known)) shared.Add(names[i], known = names[i]);
            names[i] = known;
        }

        return names;
    }

    private static Dictionary<string, string> Others(SqlRow row)
    {
        var values = new Dictionary<string, string>();
        foreach (var name in VideoColumns.Other)
        {
            if (row.GetOrNull<string>(name) is { } text) values.Add(name, text);
        }

        return values;
    }

    private static string Text(string column) =>
        column == "published_at" ? "two_tower.utc_text(two_tower.plain_time(v.published_at))" : $"v.{column}::text";
}
