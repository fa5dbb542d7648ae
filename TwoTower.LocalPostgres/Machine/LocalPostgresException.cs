namespace TwoTower.LocalPostgres.Machine;

/// <summary>
/// No PostgreSQL with pgvector can be had this way, or a given one can't be used. The message names the input, the value and the remedy in
/// one line. An exception of its own, because this library uses nothing of the others.
/// </summary>
internal sealed class LocalPostgresException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public LocalPostgresException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and what caused it.</summary>
    public LocalPostgresException(string message, Exception innerException) : base(message, innerException) { }
}
