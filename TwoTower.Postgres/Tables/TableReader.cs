using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Postgres.Tables;

/// <summary>Reads the public tables into memory: streamed, decisions by binary COPY, in an order that is the same every time.</summary>
internal static class TableReader
{
    /// <summary>Reads all rows of profiles, videos (with tags, performers and all vectors) and decisions, as of one moment.</summary>
    /// <exception cref="InputException">The database doesn't answer or isn't migrated.</exception>
    public static Task<TableSet> ReadAsync(NpgsqlDataSource db, CancellationToken ct) => ReadAsync(db, null, ct);

    /// <summary>The same with some of the videos' vectors.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="videoFeatures">Names of vectors (<c>two_tower.video_features</c>); null: all.</param>
    /// <param name="say">Told which values are NULL to a model, and which rows aren't read.</param>
    /// <param name="givenIds">Reads too what ids were made from; no model needs it.</param>
    /// <exception cref="InputException">The database doesn't answer or isn't migrated.</exception>
    public static async Task<TableSet> ReadAsync(
        NpgsqlDataSource db, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct, Action<string>? say = null,
        bool givenIds = false)
    {
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);

            // One snapshot: rows that arrive meanwhile are in all of it or in none.
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            await WholeTables.BeginAsync(connection, ct);
            if (say is not null) await OddValues.TellAsync(connection, say, ct);
            var (profiles, videos) = (await ReadProfilesAsync(connection, ct), await ReadVideosAsync(connection, videoFeatures, ct));
            if (givenIds) await AddGivenAsync(connection, profiles, videos, ct);
            return new(profiles, videos, await ReadDecisionsAsync(connection, ct));
        }
        catch (PostgresException error) when (DatabaseErrors.FaultOf(error) == DatabaseFault.NotMigrated)
        {
            throw new InputException($"The database isn't migrated ({error.MessageText}). Run: twotower db migrate", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    private static async Task AddGivenAsync(
        NpgsqlConnection connection, List<ProfileRow> profiles, List<VideoRow> videos, CancellationToken ct)
    {
        var ofUsers = await GivenAsync(connection, "select user_id as id, given_id from two_tower.given_user_ids", ct);
        var ofVideos = await GivenAsync(connection, "select video_id as id, given_id from two_tower.given_video_ids", ct);
        for (var at = 0; at < profiles.Count; at++)
        {
            if (ofUsers.TryGetValue(profiles[at].UserId, out var given)) profiles[at] = profiles[at] with { GivenId = given };
        }

        for (var at = 0; at < videos.Count; at++)
        {
            if (ofVideos.TryGetValue(videos[at].Id, out var given)) videos[at] = videos[at] with { GivenId = given };
        }
    }

    private static async Task<Dictionary<Guid, string>> GivenAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        (await connection.Sql(sql).ListAsync(row => (row.Get<Guid>("id"), row.Get<string>("given_id")), ct)).ToDictionary();

    private static Task<List<ProfileRow>> ReadProfilesAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.Sql(TableQueries.Profiles)
        .ListAsync(row => new ProfileRow(row.Get<Guid>("user_id"), row.GetOrNull<string>("display_name"), Time(row, "created_at")), ct);

    private static async Task<List<VideoRow>> ReadVideosAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct)
    {
        var vectors = await VideoFeatureReader.ReadAsync(connection, null, videoFeatures, ct);
        var shared = new Dictionary<string, string>(StringComparer.Ordinal);
        var rows = await connection.Sql(TableQueries.Videos).ListAsync(row => Video(row, shared), ct);
        for (var i = 0; i < rows.Count; i++)
        {
            if (vectors.TryGetValue(rows[i].Id, out var own)) rows[i] = rows[i] with { VideoFeatures = own };
        }

        return rows;
    }

    private static async Task<List<DecisionRow>> ReadDecisionsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var export = await connection.BeginBinaryExportAsync($"copy ({TableQueries.Decisions}) to stdout (format binary)", ct);
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
}
