using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Postgres.Tables;

/// <summary>Writes the tables of somebody's database, with keys of any type, as the CSV files that an import reads, as of one
/// moment.</summary>
internal static class SourceExport
{
    /// <summary>Writes the files; nothing of the database is changed.</summary>
    /// <param name="source">The database.</param>
    /// <param name="directory">A folder that is there.</param>
    /// <param name="progress">Told the bytes of the table at hand.</param>
    /// <param name="ct">Stops.</param>
    /// <param name="say">Told which columns an import doesn't read.</param>
    /// <exception cref="InputException">A table is missing or lacks a column: the message has the view to create. Or it can't be read.</exception>
    public static async Task WriteAsync(
        NpgsqlDataSource source, string directory, IProgress<WriteProgress>? progress, CancellationToken ct, Action<string>? say = null)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            await WholeTables.BeginAsync(connection, ct);
            var tables = await SourceTable.FindAsync(connection, ct);
            var views = tables.Where(table => table.Query is null).Select(table => table.View).ToList();
            if (views.Count > 0)
            {
                throw new InputException(
                    $"The source lacks what an import needs. Create in it: create schema if not exists two_tower; {string.Join("; ", views)}. "
                    + "What stands in angle brackets is yours to fill in (docs/data.md).");
            }

            foreach (var table in tables)
            {
                foreach (var note in table.Ignored) say?.Invoke(note);
                await TableExport.CopyAsync(
                    connection, table.Query!, new(Path.Combine(directory, table.Name + ".csv")), bytes => progress?.Report(new(table.Name, bytes, 0)), ct);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && DatabaseErrors.Explain(error, source) is null)
        {
            throw new InputException($"{directory} could not be written: {error.Message}. Free some space, or set TMPDIR to another folder.", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, source) is { } explained)
        {
            throw explained;
        }
    }
}
