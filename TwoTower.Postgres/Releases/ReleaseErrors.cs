using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Releases;

/// <summary>What the registry's functions and triggers refuse, as one-line messages.</summary>
internal static class ReleaseErrors
{
    /// <summary>Runs a command; a refusal of the database becomes an <see cref="InputException"/> with its text.</summary>
    public static async Task<T> ExplainAsync<T>(Func<Task<T>> command)
    {
        try
        {
            return await command().ConfigureAwait(false);
        }
        catch (PostgresException e) when (Explain(e) is { } message)
        {
            throw new InputException(message, e);
        }
    }

    private static string? Explain(PostgresException e) => e.SqlState switch
    {
        // TT1…: raised by sql/migrations/0003_releases.sql and sql/functions.
        ['T', 'T', '1', ..] => $"{char.ToUpperInvariant(e.MessageText[0])}{e.MessageText[1..]}.",
        PostgresErrorCodes.DiskFull =>
            $"The database's disk is full ({e.MessageText}): nothing was written and the releases that are there stay. Free some space and try again.",
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName
            when e.MessageText.Contains("two_tower", StringComparison.Ordinal) =>
            $"The database isn't migrated ({e.MessageText}): run 'twotower db migrate'.",
        _ => null,
    };
}
