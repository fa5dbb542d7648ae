using System.CommandLine;
using Npgsql;
using TwoTower.Core;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;

namespace TwoTower.Cli.Hosting;

/// <summary>Which database a person named, and by what; none means the PostgreSQL of our own.</summary>
/// <param name="ConnectionString">Null: none was named.</param>
/// <param name="NamedBy">The option or variable, for messages.</param>
/// <param name="PasswordOnCommandLine">Whether other users can read the password in the process list.</param>
/// <param name="Notes">What of the connection string has no effect, a line each.</param>
internal sealed record DatabaseChoice(string? ConnectionString, string NamedBy, bool PasswordOnCommandLine, IReadOnlyList<string> Notes)
{
    /// <summary>The database on our own server, unless a verb has one of its own.</summary>
    public const string DefaultName = "twotower";

    private static readonly string[] Variables = ["TWOTOWER_DATABASE", "ConnectionStrings__twotower"];

    /// <summary>Option, then variables, in their order.</summary>
    /// <exception cref="InputException">The option is neither a connection string nor a file with one.</exception>
    public static DatabaseChoice From(ParseResult parse, Func<string, string?> variable)
    {
        if (parse.GetValue(CommonOptions.Database) is { } given)
        {
            var text = FromTextOrFile(given);
            var (normal, notes) = Normal(text, "--database");
            return new(normal.ConnectionString, "--database", text == given && normal.Password is { Length: > 0 }, notes);
        }

        foreach (var name in Variables)
        {
            if (variable(name) is { Length: > 0 } value)
            {
                var (normal, notes) = Normal(value, name);
                return new(normal.ConnectionString, name, false, notes);
            }
        }

        return new(null, "--database", false, []);
    }

    /// <summary>What to ask <see cref="LocalPostgresServer"/> for.</summary>
    public LocalPostgresOptions ToOptions(string home, string ownDatabase) => new()
    {
        ConnectionString = ConnectionString,
        ConnectionStringName = NamedBy,
        Home = home,
        Database = ownDatabase,
    };

    /// <summary>The database that a connection string names.</summary>
    public static string NameOf(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        return builder.Database ?? builder.Username ?? "postgres";
    }

    private static string FromTextOrFile(string given)
    {
        if (given.Contains('=', StringComparison.Ordinal) || given.Contains("://", StringComparison.Ordinal))
        {
            return given;
        }

        if (!File.Exists(given))
        {
            // What was meant as a connection string may have a password in it.
            var shown = given.AsSpan().ContainsAny(" @:") ? "" : " " + given;
            throw new InputException(
                $"--database{shown} is neither a connection string (Host=…;Database=…;Username=…, or postgres://…) nor a file that holds one");
        }

        var text = File.ReadAllText(given).Trim();
        return text.Length > 0 ? text : throw new InputException($"--database {given}: the file is empty; it should hold a connection string");
    }

    private static (NpgsqlConnectionStringBuilder Settings, IReadOnlyList<string> Notes) Normal(string text, string name)
    {
        try
        {
            var notes = new List<string>();
            return (DataSources.Normalize(text, notes), notes);
        }
        catch (InputException e)
        {
            throw new InputException($"{name}: {e.Message}", e);
        }
    }
}
