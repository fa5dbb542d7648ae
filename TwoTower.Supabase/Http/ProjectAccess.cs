using System.Text.RegularExpressions;
using TwoTower.Core;

namespace TwoTower.Supabase.Http;

/// <summary>A project: where it answers, and the key for it.</summary>
/// <param name="Url">Such as <c>https://abc.supabase.co</c>, without a slash at its end.</param>
internal sealed partial record ProjectAccess(Uri Url, SupabaseKey Key)
{
    /// <summary>The variables with a key, the first that is set counts.</summary>
    public static readonly string[] Variables = ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"];

    // What keys of either kind begin with.
    private static readonly string[] KeyMarks = ["sb_secret_", "sb_publishable_", "eyJ"];

    /// <summary>The project's name in files and messages: host, port and path.</summary>
    public string Name => $"{Url.Authority}{Url.AbsolutePath.TrimEnd('/')}";

    /// <summary>Whether key and rows go over the network as they are.</summary>
    public bool IsExposed => Url.Scheme == "http" && !Url.IsLoopback;

    /// <summary>What to say where they do.</summary>
    public string Exposure => $"{Name} is spoken to over http: whoever is on the way reads the key and the rows; write https where the project has it";

    /// <summary>Reads where a project is and its key. A key is never an argument: every user of a machine sees those.</summary>
    /// <param name="url">The address; null: the variable SUPABASE_URL.</param>
    /// <param name="keyFile">A file with the key; null: one of <see cref="Variables"/>.</param>
    /// <param name="variable">Reads a variable.</param>
    /// <exception cref="InputException">One of them is missing or can't be used.</exception>
    public static ProjectAccess Read(string? url, string? keyFile, Func<string, string?> variable)
    {
        var source = url is null ? "SUPABASE_URL" : "--url";
        var text = url ?? variable("SUPABASE_URL");
        if (string.IsNullOrWhiteSpace(text)) throw new InputException("SUPABASE_URL isn't set: it is the project's address, such as https://abc.supabase.co.");
        if (KeyMarks.Any(mark => text.Contains(mark, StringComparison.Ordinal)))
        {
            throw new InputException($"{source} has a key in it: it is the project's address alone, such as https://abc.supabase.co, and the key belongs in {Variables[0]}.");
        }

        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
        {
            throw new InputException(Shown(text) is { } shown ? $"{source} is '{shown}', which is no address such as https://abc.supabase.co."
                : $"{source} is no address such as https://abc.supabase.co. (What it is isn't shown: it may be a key or hold a password.)");
        }

        if (address.UserInfo.Length > 0 || address.Query.Length > 0)
        {
            throw new InputException($"{source} has more than an address in it: leave out user, password and query, the key has a place of its own.");
        }

        // The dashboard shows the address of PostgREST, too.
        var path = address.AbsolutePath.TrimEnd('/');
        foreach (var part in new[] { "/rest/v1", "/storage/v1" })
        {
            if (path.EndsWith(part, StringComparison.Ordinal)) path = path[..^part.Length];
        }

        return new(new(address.GetLeftPart(UriPartial.Authority) + path), ReadKey(keyFile, variable));
    }

    private static SupabaseKey ReadKey(string? file, Func<string, string?> variable)
    {
        if (file is not null)
        {
            try
            {
                return SupabaseKey.Parse(File.ReadAllText(file), $"the file {file}");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"The file {file} with the key can't be read: {error.Message}", error);
            }
        }

        foreach (var name in Variables)
        {
            if (variable(name) is { Length: > 0 } text) return SupabaseKey.Parse(text, name);
        }

        throw new InputException(
            $"There is no key of the project: set {Variables[0]} (sb_secret_…) or {Variables[1]}, or name a file that holds it with --key-file.");
    }

    // Only a plain address is repeated. Anything else may be a key, as where two variables were mixed up, or hold a password.
    private static string? Shown(string text) => PlainAddress().IsMatch(text.Trim()) ? text.Trim() : null;

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:/_-]*\z")]
    private static partial Regex PlainAddress();
}
