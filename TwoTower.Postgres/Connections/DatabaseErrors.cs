using System.Net.Sockets;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>Turns the database's errors that a person can do something about into messages for that person.</summary>
public static class DatabaseErrors
{
    /// <summary>What migrations raise when a table of theirs can't be used; the text is for a person.</summary>
    internal const string UnusableTable = "TT001";

    /// <summary>
    /// True when the connection broke under the statement, or the server ended the session: whether a write was committed is unknown, and a
    /// reader may ask again on another connection. False for a server that is silent or refuses a new connection: it would do so again.
    /// </summary>
    internal static bool IsCut(NpgsqlException error) => error switch
    {
        // A pooler's own: its server closed the connection, or none came free in time; the latter is silence.
        PostgresException { SqlState: ['0', '8', ..] } pooler => !pooler.MessageText.Contains("timeout", StringComparison.Ordinal),
        PostgresException server => server.SqlState
            is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout,
        _ => error.InnerException is IOException,
    };

    /// <summary>An <see cref="InputException"/> for an error about the connection or the database's state; null for any other error.</summary>
    public static InputException? Explain(Exception error, NpgsqlDataSource db)
    {
        var settings = new NpgsqlConnectionStringBuilder(db.ConnectionString);
        var where = $"{settings.Host}:{settings.Port}";
        return error switch
        {
            PostgresException { SqlState: UnusableTable } raised => new(raised.MessageText, raised),
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } refused =>
                new($"The database server {where} refuses user '{settings.Username}': {refused.MessageText}. Check the connection string.", refused),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } absent =>
                new($"The database server {where} has no database '{settings.Database}'. Create it, or name another.", absent),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } denied =>
                new($"User '{settings.Username}' may not do this in database '{settings.Database}' at {where}: {denied.MessageText}. "
                    + "Use the owner of the schema, or let an administrator run: create extension vector;", denied),
            PostgresException => null,
            NpgsqlException { InnerException: SocketException or TimeoutException or IOException } unreachable =>
                new($"The database server {where} doesn't answer: {unreachable.InnerException!.Message}. Start it, or check the connection string.", unreachable),
            _ => null,
        };
    }
}
