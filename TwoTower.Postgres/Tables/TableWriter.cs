using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>How far a write is.</summary>
/// <param name="Table">The table at hand.</param>
/// <param name="Rows">Rows done so far.</param>
/// <param name="Total">Rows to do; 0 while nobody knows.</param>
/// <param name="Step">What is being done where a table takes several steps; <see cref="Rows"/> begins again with each.</param>
internal readonly record struct WriteProgress(string Table, long Rows, long Total, string? Step = null);

/// <summary>What a write did.</summary>
/// <param name="Decisions">Decisions that the table took: new ones, and those that replaced an earlier one.</param>
/// <param name="Notes">What the tables didn't take as it was, in words.</param>
/// <param name="Given">Decisions that were to be written.</param>
/// <param name="Likes">Likes among them.</param>
internal sealed record WriteResult(long Decisions, IReadOnlyList<string> Notes, long Given, long Likes);

/// <summary>
/// Writes rows into the public tables in one transaction: binary COPY into staging tables, one upsert a table, ANALYZE. Writing the
/// same again changes nothing; a cancelled or failed write leaves nothing.
/// </summary>
/// <param name="db">A migrated database.</param>
internal sealed class TableWriter(NpgsqlDataSource db)
{
    /// <summary>Writes everything that the tables hold.</summary>
    /// <param name="tables">The rows. Videos that are there already keep what the source has no column for.</param>
    /// <param name="progress">Told now and then.</param>
    /// <param name="ct">Stops; nothing of it stays.</param>
    /// <returns>What the tables took.</returns>
    /// <exception cref="InputException">The database can't be written, or its tables can't take these rows.</exception>
    public Task<WriteResult> WriteAsync(TableSet tables, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        var total = tables.Decisions.Count + tables.ExactDecisions.Count;
        var decisions = tables.Decisions.Select(row => new DecisionEntry(row.UserId, row.VideoId, row.Type, row.CreatedAt))
            .Concat(tables.ExactDecisions.Select(row => new DecisionEntry(row.UserId, row.VideoId, row.Type, default, row.CreatedAt)));
        return WriteAsync(() => tables, decisions, _ => total, progress, ct);
    }

    /// <summary>The same with decisions that are read one by one; those of the tables aren't written.</summary>
    /// <param name="source">Gives profiles and videos, once the decisions were read.</param>
    /// <param name="decisions">The decisions. They are read to their end before anything is written; what they throw ends the write.</param>
    /// <param name="total">Given how many were read, tells how many they will be, 0 while nobody knows.</param>
    /// <param name="progress">Told now and then.</param>
    /// <param name="ct">Stops; nothing of it stays.</param>
    /// <returns>What the tables took.</returns>
    /// <exception cref="InputException">The database can't be written, or its tables can't take these rows.</exception>
    public async Task<WriteResult> WriteAsync(
        Func<TableSet> source, IEnumerable<DecisionEntry> decisions, Func<long, long> total, IProgress<WriteProgress>? progress,
        CancellationToken ct)
    {
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await WholeTables.BeginAsync(connection, ct);
            var notes = new List<string>();

            // Read first: whoever else writes these tables waits for nothing while files are read.
            var writer = new DecisionWriter(connection, progress, notes);
            await writer.StageAsync(decisions, total, ct);
            var tables = source();
            await WriteProfilesAsync(connection, tables, progress, notes, ct);
            await new VideoWriter(connection, tables).WriteAsync(progress, notes, ct);
            foreach (var names in new[] { NameTable.Tags, NameTable.Performers })
            {
                if (!tables.HasVideoColumn(names.VideoColumn)) continue;
                try
                {
                    await names.WriteAsync(connection, tables.Videos, progress, notes, ct);
                }
                catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ProgramLimitExceeded)
                {
                    throw new InputException(names.TooLong(tables.Videos, error.MessageText), error);
                }
            }

            await GivenIdWriter.WriteAsync(connection, tables, progress, ct);
            await VideoFeatureWriter.WriteAsync(connection, tables.Videos, progress, ct);
            var taken = await writer.WriteAsync(ct);
            await using var finishing = Heartbeat.Start(progress, new("user_video_decisions", 0, 0, "finishing"));
            await Staging.ExecuteAsync(
                connection,
                "analyze public.profiles, public.videos, public.video_tags, public.video_performers, public.user_video_decisions", ct);
            await transaction.CommitAsync(ct);
            return new(taken, notes, writer.Given, writer.Likes);
        }
        catch (PostgresException error) when (
            error.SqlState is PostgresErrorCodes.NotNullViolation or PostgresErrorCodes.ForeignKeyViolation
            or PostgresErrorCodes.CheckViolation or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.NumericValueOutOfRange
            or PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.StringDataRightTruncation
            or PostgresErrorCodes.InvalidDatetimeFormat or PostgresErrorCodes.DatetimeFieldOverflow
                or PostgresErrorCodes.InvalidColumnReference or PostgresErrorCodes.UntranslatableCharacter)
        {
            var table = error.TableName is null ? "One of the tables" : $"The table {error.SchemaName ?? "public"}.{error.TableName}";
            throw new InputException($"{table} doesn't take these rows: {error.MessageText}. Nothing was written.", error);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ProgramLimitExceeded)
        {
            throw new InputException($"An index of the tables doesn't take these rows: {error.MessageText}. Nothing was written. Shorten the longest texts.", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    private static async Task WriteProfilesAsync(
        NpgsqlConnection connection, TableSet tables, IProgress<WriteProgress>? progress, ICollection<string> notes, CancellationToken ct)
    {
        if (tables.Profiles.Count == 0) return;
        var isTimeText = tables.Profiles.Any(row => row.ExactCreatedAt is not null);
        var staging = await Staging.CreateAsync(
            connection, "profiles", [new("user_id", "uuid"), new("display_name", "text"), new("created_at", "timestamptz", isTimeText)], ct);
        await staging.CopyAsync(tables.Profiles, (writer, row) =>
        {
            writer.Write(row.UserId);
            writer.Write(row.DisplayName);
            if (isTimeText) writer.Write(row.ExactCreatedAt ?? (row.CreatedAt is { } time ? InstantText.Format(time) : null));
            else writer.Write(row.CreatedAt);
        }, progress, ct);
        await staging.CheckFitAsync(notes, ct);

        // A name that the source has no column for is the id that people see, for a profile without one; a time stays as it is.
        var name = Has("display_name") ? "excluded.display_name" : "coalesce(profiles.display_name, excluded.display_name)";
        var created = Has("created_at") ? "excluded.created_at" : "profiles.created_at";
        var hasTime = Has("created_at") || !staging.IsRequired("created_at");
        await Staging.ExecuteAsync(
            connection,
            $"""
            insert into public.profiles (user_id, display_name{(hasTime ? ", created_at" : "")})
            select {staging.Cast("user_id")}, {staging.Cast("display_name")}{(hasTime ? ", " + staging.Cast("created_at") : "")} from {staging.Table} s
            on conflict (user_id) do update set display_name = {name}, created_at = {created}
            where (profiles.display_name, profiles.created_at) is distinct from ({name}, {created})
            """, ct);

        bool Has(string column) => tables.ProfileColumns?.Contains(column) ?? true;
    }
}
