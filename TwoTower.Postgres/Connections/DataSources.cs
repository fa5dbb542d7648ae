using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>Connections to the project's database.</summary>
internal static class DataSources
{
    /// <summary>
    /// Creates the data source of a process: pooled, with pgvector's types. What the connection string says wins over the defaults
    /// here.
    /// </summary>
    /// <param name="connectionString">Npgsql's keywords, libpq's, or a URL <c>postgres://user:password@host:port/database</c>.</param>
    /// <param name="configure">Further settings, such as logging and tracing.</param>
    /// <exception cref="InputException">The text isn't a connection string.</exception>
    public static NpgsqlDataSource Create(string connectionString, Action<NpgsqlDataSourceBuilder>? configure = null)
    {
        var builder = new NpgsqlDataSourceBuilder(Normalize(connectionString).ConnectionString);
        builder.UseVector();
        configure?.Invoke(builder);
        return builder.Build();
    }

    /// <summary>
    /// Reads a connection string, Npgsql's or libpq's, or a URL, and fills in what it leaves out. No message repeats a password.
    /// </summary>
    /// <param name="connectionString">The text.</param>
    /// <param name="notes">Takes a line for each option that has no effect here.</param>
    /// <exception cref="InputException">The text isn't a connection string.</exception>
    public static NpgsqlConnectionStringBuilder Normalize(string connectionString, ICollection<string>? notes = null)
    {
        var settings = ConnectionText.Read(connectionString, notes);
        if (string.IsNullOrEmpty(settings.Host)) throw new InputException("The database's connection string names no Host.");
        settings.ApplicationName ??= "twotower";

        // A server that isn't there is known in seconds; the statements of imports and index builds take as long as they take, and are
        // cancelled by the caller.
        if (!settings.ShouldSerialize("Timeout")) settings.Timeout = 10;
        if (!settings.ShouldSerialize("Command Timeout")) settings.CommandTimeout = 0;
        return settings;
    }
}
