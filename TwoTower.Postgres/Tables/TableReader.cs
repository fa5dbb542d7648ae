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

    private static async Task<List<ProfileRow>> ReadProfilesAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(TableQueries.Profiles, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<ProfileRow>();
        while (await reader.ReadAsync(ct)) rows.Add(new(reader.GetGuid(0), Text(reader, 1), Time(reader, 2)));
        return rows;
    }

    private static async Task<List<VideoRow>> ReadVideosAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct)
    {
        var vectors = await VideoFeatureReader.ReadAsync(connection, null, videoFeatures, ct);
        await using var command = new NpgsqlCommand(TableQueries.Videos, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<VideoRow>();
        var shared = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(new()
            {
                Id = reader.GetGuid(0),
                ExternalId = Text(reader, 1),
                Title = Text(reader, 2),
                Description = Text(reader, 3),
                DurationSeconds = reader.IsDBNull(4) ? null : reader.GetInt32(4),
                Maker = Text(reader, 5),
                Price = reader.IsDBNull(6) ? null : reader.GetDecimal(6),
                DistributionStartedAt = Time(reader, 7),
                ProductReleasedAt = Time(reader, 8),
                CreatedAt = Time(reader, 9),
                SafetyLevel = reader.GetInt16(10),
                RegionCodes = Names(reader, 11, shared),
                IsActive = reader.GetBoolean(12),
                Tags = Names(reader, 13, shared),
                Performers = Names(reader, 14, shared),
                OtherColumns = Others(reader, 15),
            });
            if (vectors.TryGetValue(rows[^1].Id, out var own)) rows[^1] = rows[^1] with { VideoFeatures = own };
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

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : PostgresTime.FromMicros(reader.GetFieldValue<long>(column));

    // A few thousand names are on millions of rows: one copy of each.
    private static string[] Names(NpgsqlDataReader reader, int column, Dictionary<string, string> shared)
    {
        if (reader.IsDBNull(column)) return [];
        var names = reader.GetFieldValue<string[]>(column);
        for (var i = 0; i < names.Length; i++)
        {
            if (!shared.TryGetValue(names[i], out var known)) shared.Add(names[i], known = names[i]);
            names[i] = known;
        }

        return names;
    }

    private static Dictionary<string, string> Others(NpgsqlDataReader reader, int first)
    {
        var values = new Dictionary<string, string>();
        for (var i = 0; i < VideoColumns.Other.Count; i++)
        {
            if (Text(reader, first + i) is { } text) values.Add(VideoColumns.Other[i], text);
        }

        return values;
    }
}
