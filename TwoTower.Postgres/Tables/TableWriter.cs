using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>How far a write is.</summary>
/// <param name="Table">The table at hand.</param>
/// <param name="Rows">Rows sent so far.</param>
/// <param name="Total">Rows to send.</param>
public readonly record struct WriteProgress(string Table, long Rows, long Total);

/// <summary>
/// Writes rows into the public tables in one transaction: binary COPY into staging tables, one upsert a table, ANALYZE. Writing the
/// same again changes nothing; a cancelled or failed write leaves nothing.
/// </summary>
/// <param name="db">A migrated database.</param>
public sealed class TableWriter(NpgsqlDataSource db)
{
    /// <summary>Writes everything that the tables hold.</summary>
    /// <param name="tables">The rows. Videos that are there already keep what the source has no column for.</param>
    /// <param name="progress">Told now and then.</param>
    /// <param name="ct">Stops; nothing of it stays.</param>
    /// <exception cref="InputException">The database can't be written, or its tables can't take these rows.</exception>
    public async Task WriteAsync(TableSet tables, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await WriteProfilesAsync(connection, tables.Profiles, progress, ct);
            await new VideoWriter(connection, tables).WriteAsync(progress, ct);
            foreach (var names in new[] { NameTable.Tags, NameTable.Performers })
            {
                if (tables.HasVideoColumn(names.VideoColumn)) await names.WriteAsync(connection, tables.Videos, progress, ct);
            }

            await VideoFeatureWriter.WriteAsync(connection, tables.Videos, progress, ct);
            await WriteDecisionsAsync(connection, tables.Decisions, progress, ct);
            await Staging.ExecuteAsync(
                connection,
                "analyze public.profiles, public.videos, public.video_tags, public.video_performers, public.user_video_decisions", ct);
            await transaction.CommitAsync(ct);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.NotNullViolation or PostgresErrorCodes.ForeignKeyViolation
            or PostgresErrorCodes.CheckViolation or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.NumericValueOutOfRange
            or PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.UntranslatableCharacter)
        {
            throw new InputException(
                $"The table {error.SchemaName ?? "public"}.{error.TableName} doesn't take these rows: {error.MessageText}. Nothing was written.", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    private static async Task WriteProfilesAsync(
        NpgsqlConnection connection, IReadOnlyList<ProfileRow> rows, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        if (rows.Count == 0) return;
        var staging = await Staging.CreateAsync(
            connection, "profiles", [new("user_id", "uuid"), new("display_name", "text"), new("created_at", "timestamptz")], ct);
        await staging.CopyAsync(rows, static (writer, row) =>
        {
            writer.Write(row.UserId);
            writer.Write(row.DisplayName);
            writer.Write(row.CreatedAt);
        }, progress, ct);
        await Staging.ExecuteAsync(
            connection,
            $"""
            insert into public.profiles (user_id, display_name, created_at)
            select {staging.Select} from {staging.Table} s
            on conflict (user_id) do update set display_name = excluded.display_name, created_at = excluded.created_at
            where (profiles.display_name, profiles.created_at) is distinct from (excluded.display_name, excluded.created_at)
            """, ct);
    }

    private static async Task WriteDecisionsAsync(
        NpgsqlConnection connection, IReadOnlyList<DecisionRow> rows, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        if (rows.Count == 0) return;
        var staging = await Staging.CreateAsync(
            connection,
            "user_video_decisions",
            [new("user_id", "uuid"), new("video_id", "uuid"), new("decision_type", "text"), new("created_at", "timestamptz")], ct);
        await staging.CopyAsync(rows, static (writer, row) =>
        {
            writer.Write(row.UserId);
            writer.Write(row.VideoId);
            writer.Write(row.Type == DecisionType.Like ? "like" : "nope");
            writer.Write((DateTimeOffset?)row.CreatedAt);
        }, progress, ct);

        // A table of theirs may have another key and none on these columns: what is there already is left out by looking.
        await Staging.ExecuteAsync(
            connection,
            $"""
            insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
            select {staging.Select}
            from {staging.Table} s
            where not exists (
              select from public.user_video_decisions d
              where d.user_id = s.user_id and d.video_id = s.video_id and d.created_at = s.created_at
                and d.decision_type::text = s.decision_type)
            on conflict do nothing
            """, ct);
    }
}
