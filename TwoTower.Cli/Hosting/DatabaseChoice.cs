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
    private static readonly string[] SourceVariables = ["TWOTOWER_SOURCE"];

    /// <summary>Option, then variables, in their order.</summary>
    /// <exception cref="InputException">The option is neither a connection string nor a file with one.</exception>
    public static DatabaseChoice From(ParseResult parse, Func<string, string?> variable) =>
        From(parse, CommonOptions.Database, Variables, variable);

    /// <summary>The database that is only read, of a verb that copies from one into another.</summary>
    /// <exception cref="InputException">As <see cref="From(ParseResult, Func{string, string})"/>.</exception>
    public static DatabaseChoice Source(ParseResult parse, Option<string?> option, Func<string, string?> variable) =>
        From(parse, option, SourceVariables, variable);

    private static DatabaseChoice From(
        ParseResult parse, Option<string?> option, IReadOnlyList<string> variables, Func<string, string?> variable)
    {
        if (parse.GetValue(option) is { } given)
        {
            var text = FromTextOrFile(given, option.Name);
            var (normal, notes) = Normal(text, option.Name);
            return new(normal.ConnectionString, option.Name, text == given && normal.Password is { Length: > 0 }, notes);
        }

        foreach (var name in variables)
        {
            if (variable(name) is { Length: > 0 } value)
            {
                var (normal, notes) = Normal(value, name);
                return new(normal.ConnectionString, name, false, notes);
            }
        }

        return new(null, option.Name, false, []);
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

    /// <summary>Tells what of it has no effect, and that a password lies open.</summary>
    /// <param name="warn">Given each line.</param>
    public void Tell(Action<string> warn)
    {
        if (PasswordOnCommandLine)
        {
            var variable = NamedBy == CommonOptions.Database.Name ? Variables[0] : SourceVariables[0];
            warn($"{NamedBy} carries a password that every user of this machine can see in the process list; put it into {variable} or a file");
        }

        foreach (var note in Notes) warn(note);
    }

    private static string FromTextOrFile(string given, string option)
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
                $"{option}{shown} is neither a connection string (Host=…;Database=…;Username=…, or postgres://…) nor a file that holds one");
        }

        var text = File.ReadAllText(given).Trim();
        return text.Length > 0 ? text : throw new InputException($"{option} {given}: the file is empty; it should hold a connection string");
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
