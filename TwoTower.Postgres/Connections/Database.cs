using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>Connections to the project's database.</summary>
internal static class Database
{
    /// <summary>
    /// Creates the data source of a process: pooled, with pgvector's types. What the connection string says wins over the defaults
    /// here.
    /// </summary>
    /// <param name="connectionString">Npgsql's keywords, or a URL <c>postgres://user:password@host:port/database</c>.</param>
    /// <param name="configure">Further settings, such as logging and tracing.</param>
    /// <exception cref="InputException">The text isn't a connection string.</exception>
    public static NpgsqlDataSource CreateDataSource(string connectionString, Action<NpgsqlDataSourceBuilder>? configure = null)
    {
        var builder = new NpgsqlDataSourceBuilder(Normalize(connectionString).ConnectionString);
        builder.UseVector();
        configure?.Invoke(builder);
        return builder.Build();
    }

    /// <summary>Reads a connection string or URL and fills in what it leaves out.</summary>
    /// <exception cref="InputException">The text isn't a connection string.</exception>
    public static NpgsqlConnectionStringBuilder Normalize(string connectionString)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = IsUrl(connectionString) ? FromUrl(connectionString) : new(connectionString);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or UriFormatException)
        {
            // The text isn't repeated: it may hold a password.
            throw new InputException(
                "The database's connection string can't be read: "
                + $"{error.Message} Write it as Host=…;Port=5432;Username=…;Password=…;Database=… or postgres://user:password@host:5432/database.",
                error);
        }

        if (string.IsNullOrEmpty(settings.Host)) throw new InputException("The database's connection string names no Host.");
        settings.ApplicationName ??= "twotower";

        // A server that isn't there is known in seconds; the statements of imports and index builds take as long as they take, and are
        // cancelled by the caller.
        if (!settings.ShouldSerialize("Timeout")) settings.Timeout = 10;
        if (!settings.ShouldSerialize("Command Timeout")) settings.CommandTimeout = 0;
        return settings;
    }

    private static bool IsUrl(string text) =>
        text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);

    private static NpgsqlConnectionStringBuilder FromUrl(string text)
    {
        var url = new Uri(text);
        var user = url.UserInfo.Split(':', 2);
        var settings = new NpgsqlConnectionStringBuilder { Host = url.Host, Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')) };
        if (url.Port > 0) settings.Port = url.Port;
        if (user[0].Length > 0) settings.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) settings.Password = Uri.UnescapeDataString(user[1]);
        foreach (var option in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = option.Split('=', 2);
            settings[Keyword(pair[0])] = Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? "");
        }

        return settings;
    }

    // libpq's names of the options that hosting providers put into their URLs.
    private static string Keyword(string option) => option switch
    {
        "sslmode" => "SSL Mode",
        "sslrootcert" => "Root Certificate",
        "application_name" => "Application Name",
        "connect_timeout" => "Timeout",
        "options" => "Options",
        "channel_binding" => "Channel Binding",
        _ => option,
    };
}
