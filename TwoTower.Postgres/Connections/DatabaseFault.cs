namespace TwoTower.Postgres.Connections;

/// <summary>What is wrong when the database fails; <see cref="DatabaseErrors.FaultOf"/> tells.</summary>
public enum DatabaseFault
{
    /// <summary>No connection, or none in time: not started, starting, stopping, out of connections or memory.</summary>
    Away,

    /// <summary>
    /// The connection broke under the statement, or the server ended the session: whether a write was committed is unknown, and a reader
    /// may ask again on another connection.
    /// </summary>
    Cut,

    /// <summary>In the way for now: a lock, a deadlock, a serialisation failure, the server's own system trouble.</summary>
    Busy,

    /// <summary>The statement was cancelled, by a person or by a time limit.</summary>
    Cancelled,

    /// <summary>The server's disk is full.</summary>
    DiskFull,

    /// <summary>A table, column, function or schema is absent: never migrated, or by an older version.</summary>
    NotMigrated,

    /// <summary>The role may not do this.</summary>
    Denied,

    /// <summary>The server doesn't let the role in, or has no such database.</summary>
    Refused,

    /// <summary>One of our own functions, triggers or migrations refused, with a text for a person (TT…).</summary>
    Rule,

    /// <summary>Anything else that a server answers: a mistake of ours, or rows that can't be.</summary>
    Bug,
}
