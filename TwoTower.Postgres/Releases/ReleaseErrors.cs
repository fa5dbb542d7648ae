using System.Runtime.ExceptionServices;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Releases;

/// <summary>What the registry's functions and triggers refuse, as one-line messages.</summary>
internal static class ReleaseErrors
{
    /// <summary>Runs a command; a refusal of the database becomes an <see cref="InputException"/> with its text.</summary>
    public static async Task<T> ExplainAsync<T>(Func<Task<T>> command)
    {
        try
        {
            return await command();
        }
        catch (PostgresException e) when (Explain(e) is { } message)
        {
            throw new InputException(message, e);
        }
        catch (DbUpdateException e) when (e.InnerException is NpgsqlException cause)
        {
            // EF Core's wrapping of what the database said: callers look for the cause.
            if (cause is PostgresException answer && Explain(answer) is { } message) throw new InputException(message, answer);
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    private static string? Explain(PostgresException e) => DatabaseErrors.FaultOf(e) switch
    {
        DatabaseFault.Rule when DatabaseErrors.RuleOf(e)!.StartsWith(DatabaseRules.Registry, StringComparison.Ordinal) =>
            $"{char.ToUpperInvariant(e.MessageText[0])}{e.MessageText[1..]}.",
        DatabaseFault.DiskFull =>
            $"The database's disk is full ({e.MessageText}): nothing was written and the releases that are there stay. Free some space and try again.",
        DatabaseFault.NotMigrated when e.MessageText.Contains("two_tower", StringComparison.Ordinal) =>
            $"The database isn't migrated ({e.MessageText}): run 'twotower db migrate'.",
        _ => null,
    };
}
