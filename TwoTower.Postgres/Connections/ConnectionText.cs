using System.Data.Common;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>
/// Takes connection strings apart: Npgsql's keywords, libpq's keywords (<c>host=h dbname=d</c>) and URLs (<c>postgres://u:p@h/d</c>). No
/// message
/// repeats what may be a password.
/// </summary>
internal static partial class ConnectionText
{
    private const string Examples =
        "Write it as Host=…;Port=5432;Username=…;Password=…;Database=… or postgres://user:password@host:5432/database.";

    /// <summary>Reads a connection string of any of the three shapes.</summary>
    /// <param name="notes">Takes a line for each option that has no effect here.</param>
    /// <exception cref="InputException">The text isn't a connection string, or asks for what can't be had.</exception>
    public static NpgsqlConnectionStringBuilder Read(string text, ICollection<string>? notes)
    {
        var options = new ConnectionOptions(notes);
        var isAfterPassword = false;
        foreach (var (key, value) in Split(text.Trim()))
        {
            // A password with a separator in it spills into what looks like the next option.
            options.Add(key, value, mayBeNamed: !isAfterPassword);
            isAfterPassword = Secrets.IsPassword(key);
        }

        return options.Build();
    }

    /// <summary>An error about the string as a whole.</summary>
    public static InputException Unreadable(string reason) => new($"The database's connection string {reason}. {Examples}");

    private static IEnumerable<(string Key, string Value)> Split(string text)
    {
        if (Url().Match(text) is { Success: true } url) return FromUrl(text[url.Length..]);
        if (OtherUrl().IsMatch(text)) throw Unreadable("is an address of another kind of server; it should begin with postgres://");
        return FromLibpq(text) ?? FromKeywords(text);
    }

    private static List<(string, string)> FromUrl(string text)
    {
        var rest = text.IndexOfAny(['/', '?']) is var end && end >= 0 ? text[end..] : "";
        var authority = text[..(text.Length - rest.Length)];
        if (rest.Contains('@', StringComparison.Ordinal) || text.Contains('#', StringComparison.Ordinal))
        {
            throw Unreadable("can't be taken apart: in a URL, write '/' as %2F, '?' as %3F, '#' as %23 and '@' as %40 where they belong to a password or name");
        }

        var options = new List<(string, string)>();
        var at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            var user = authority[..at].Split(':', 2);
            if (user[0].Length > 0) options.Add(("user", Decode(user[0])));
            if (user.Length > 1) options.Add(("password", Decode(user[1])));
        }

        AddHosts(options, authority[(at + 1)..]);
        var query = rest.IndexOf('?', StringComparison.Ordinal);
        var path = (query < 0 ? rest : rest[..query]).TrimStart('/');
        if (path.Length > 0) options.Add(("dbname", Decode(path)));
        if (query < 0) return options;
        foreach (var option in rest[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = option.Split('=', 2);
            options.Add((Decode(pair[0]), Decode(pair.ElementAtOrDefault(1) ?? "")));
        }

        return options;
    }

    private static void AddHosts(List<(string, string)> options, string text)
    {
        if (text.Length == 0) return;
        var hosts = new List<string>();
        var ports = new List<string>();
        foreach (var one in text.Split(','))
        {
            var match = HostAndPort().Match(one);
            if (!match.Success) throw Unreadable(
                "has a host or port that can't be read; a password with ':' or '@' is written with %3A or %40");
            hosts.Add(Decode(match.Groups["host"].Value.Trim('[', ']')));
            ports.Add(match.Groups["port"].Value);
        }

        if (hosts.Any(host => host.Length > 0)) options.Add(("host", string.Join(',', hosts)));
        if (ports.Any(port => port.Length > 0)) options.Add(("port", string.Join(',', ports)));
    }

    private static string Decode(string text)
    {
        if (BadPercent().IsMatch(text)) throw Unreadable("has a '%' that isn't followed by two hexadecimal digits: write '%' as %25");
        return Uri.UnescapeDataString(text);
    }

    // Values in single quotes or without spaces, backslashes before what is meant literally. Null: the text has another shape.
    private static List<(string Key, string Value)>? FromLibpq(string text)
    {
        var options = new List<(string Key, string Value)>();
        for (var at = 0; at < text.Length;)
        {
            if (LibpqKey().Match(text, at) is not { Success: true } key) return null;
            at += key.Length;
            var value = new StringBuilder();
            var isQuoted = at < text.Length && text[at] == '\'';
            if (isQuoted) at++;
            while (at < text.Length && (isQuoted ? text[at] != '\'' : !char.IsWhiteSpace(text[at])))
            {
                if (text[at] == '\\' && at + 1 < text.Length) at++;
                value.Append(text[at++]);
            }

            if (isQuoted && at++ >= text.Length) return null;
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            options.Add((key.Groups["key"].Value, value.ToString()));
        }

        // Npgsql's keywords may look like it: its values may have spaces, and ';' ends them.
        var isLibpq = options.Count > 1 && options.All(option => ConnectionOptions.IsLibpq(option.Key))
            && options.All(option =>
                Secrets.IsPassword(option.Key) ? !NextKeyword().IsMatch(option.Value)
                : !option.Value.Contains(';', StringComparison.Ordinal));
        return isLibpq ? options : null;
    }

    private static List<(string, string)> FromKeywords(string text)
    {
        DbConnectionStringBuilder pairs;
        try
        {
            pairs = new() { ConnectionString = text };
        }
        catch (ArgumentException)
        {
            throw Unreadable("can't be read");
        }

        // The builder keeps the order of the text, and the last of those that are repeated.
        return [.. pairs.Keys.Cast<string>().Select(key => (key, (string)pairs[key]))];
    }

    // As libpq has it, and as SQLAlchemy and JDBC write it.
    [GeneratedRegex(@"\A(jdbc:)?postgres(ql)?(\+[a-z0-9]+)?://", RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    [GeneratedRegex(@"\A[a-z][a-z0-9+.:-]*://", RegexOptions.IgnoreCase)]
    private static partial Regex OtherUrl();

    [GeneratedRegex(@"\A(?<host>\[[0-9a-fA-F:.%]*\]|[^:\[\]@]*)(:(?<port>\d*))?\z")]
    private static partial Regex HostAndPort();

    [GeneratedRegex(@"%(?![0-9a-fA-F]{2})")]
    private static partial Regex BadPercent();

    [GeneratedRegex(@";\s*(host|port|database|dbname|user\w*|ssl\s*mode)\s*=", RegexOptions.IgnoreCase)]
    private static partial Regex NextKeyword();

    [GeneratedRegex(@"\G\s*(?<key>[A-Za-z_]+)\s*=\s*")]
    private static partial Regex LibpqKey();
}
