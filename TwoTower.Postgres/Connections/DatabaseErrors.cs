using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>The one place that knows the database's errors: which kind one is, and what a person can do about it.</summary>
internal static class DatabaseErrors
{
    /// <summary>The kind of an error; null for one that isn't the database's.</summary>
    public static DatabaseFault? FaultOf(Exception error) => error switch
    {
        DbUpdateException { InnerException: { } cause } => FaultOf(cause),
        PostgresException answer => OfServer(answer),
        NpgsqlException { InnerException: IOException } => DatabaseFault.Cut,
        NpgsqlException or SocketException or TimeoutException => DatabaseFault.Away,
        _ => null,
    };

    /// <summary>True for an error that another try, a little later, may not meet.</summary>
    public static bool IsPassing(Exception error) =>
        FaultOf(error) is DatabaseFault.Away or DatabaseFault.Cut or DatabaseFault.Busy or DatabaseFault.DiskFull;

    /// <summary>The rule of <see cref="DatabaseRules"/> by which our own SQL refused; null for any other error.</summary>
    public static string? RuleOf(Exception? error) => error switch
    {
        PostgresException { SqlState: ['T', 'T', ..] } refusal => refusal.SqlState,
        DbUpdateException or InputException => RuleOf(error.InnerException),
        _ => null,
    };

    /// <summary>
    /// True where the server has too little shared memory for a parallel index build: it goes through /dev/shm, of which a container has
    /// 64 MB unless told otherwise. One process needs none.
    /// </summary>
    public static bool IsShortOfSharedMemory(PostgresException error) =>
        error.MessageText.Contains("shared memory", StringComparison.Ordinal);

    /// <summary>
    /// True where a function, a table or a schema isn't there: the schema isn't migrated, or half of it is, and no release is to blame. A
    /// column (the fourth error of <see cref="DatabaseFault.NotMigrated"/>) says nothing of the kind: it may be one of the release's own table,
    /// and a search that fails for it is the release's fault.
    /// </summary>
    public static bool LacksPart(Exception error) =>
        FaultOf(error) == DatabaseFault.NotMigrated && AnswerOf(error) is not { SqlState: PostgresErrorCodes.UndefinedColumn };

    private static PostgresException? AnswerOf(Exception? error) =>
        error is DbUpdateException ? AnswerOf(error.InnerException) : error as PostgresException;

    private static DatabaseFault OfServer(PostgresException answer) => answer.SqlState switch
    {
        ['T', 'T', ..] => DatabaseFault.Rule,
        // A pooler's own: its server closed the connection, or none came free in time; the latter is silence.
        ['0', '8', ..] => answer.MessageText.Contains("timeout", StringComparison.Ordinal) ? DatabaseFault.Away : DatabaseFault.Cut,
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout => DatabaseFault.Cut,
        PostgresErrorCodes.QueryCanceled => DatabaseFault.Cancelled,
        PostgresErrorCodes.DiskFull => DatabaseFault.DiskFull,
        ['5', '7', ..] or ['5', '3', ..] => DatabaseFault.Away,
        ['4', '0', ..] or ['5', '5', ..] or ['5', '8', ..] => DatabaseFault.Busy,
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.InvalidSchemaName => DatabaseFault.NotMigrated,
        PostgresErrorCodes.InsufficientPrivilege => DatabaseFault.Denied,
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName => DatabaseFault.Refused,
        _ => DatabaseFault.Bug,
    };

    /// <summary>An <see cref="InputException"/> for an error about the connection or the database's state; null for any other error.</summary>
    public static InputException? Explain(Exception error, NpgsqlDataSource db)
    {
        var settings = new NpgsqlConnectionStringBuilder(db.ConnectionString);
        var where = $"{settings.Host}:{settings.Port}";
        return error switch
        {
            PostgresException raised when RuleOf(raised) == DatabaseRules.UnusableTable => new(raised.MessageText, raised),
            PostgresException refused when OfServer(refused) == DatabaseFault.Refused
                && refused.SqlState != PostgresErrorCodes.InvalidCatalogName =>
                new($"The database server {where} refuses user '{settings.Username}': {refused.MessageText}. Check the connection string.", refused),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } absent =>
                new($"The database server {where} has no database '{settings.Database}'. Create it, or name another.", absent),
            PostgresException denied when OfServer(denied) == DatabaseFault.Denied =>
                new($"User '{settings.Username}' may not do this in database '{settings.Database}' at {where}: {denied.MessageText}. {Remedy(denied)}", denied),
            PostgresException => null,
            NpgsqlException { InnerException: SocketException or TimeoutException or IOException } unreachable =>
                new($"The database server {where} doesn't answer: {unreachable.InnerException!.Message}. Start it, or check the connection string.", unreachable),
            _ => null,
        };
    }

    // By the server's function that refused: its message may be in any language.
    private static string Remedy(PostgresException denied) => denied.Routine switch
    {
        "execute_extension_script" => "Let an administrator run: create extension vector;",
        "check_enable_rls" =>
            "Row-level security would hide rows of it. Use the table's owner or a user with bypassrls; of a table behind a view that is the view's owner.",
        _ => "Use the owner of what it names, or let the owner grant this user the right.",
    };
}
