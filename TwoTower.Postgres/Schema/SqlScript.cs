using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace TwoTower.Postgres.Schema;

/// <summary>A file of <c>sql/</c>, from inside this assembly.</summary>
/// <param name="Name">File name.</param>
/// <param name="Text">Its text, with line feeds only.</param>
internal sealed partial record SqlScript(string Name, string Text)
{
    private const string Prefix = "sql/";

    // What migrations that have landed say, and what runs in its place: they keep their text and checksum for good. The cast gives the name
    // of a role with the quotes that it needs, and "%I" would quote it again.
    private static readonly (string Landed, string Runs)[] Errata = [("x.grantee::regrole::name", "pg_get_userbyid(x.grantee)")];

    /// <summary>SHA-256 of the text, hexadecimal.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    /// <summary>The number at the start of a migration's name.</summary>
    public int Version => int.Parse(Name.AsSpan(0, 4), CultureInfo.InvariantCulture);

    /// <summary>What runs before the migrations: the table that records them.</summary>
    public static SqlScript Journal { get; } = Read("").Single(script => script.Name == "journal.sql");

    /// <summary>The numbered migrations in order.</summary>
    public static IReadOnlyList<SqlScript> Migrations { get; } = Read("migrations/");

    /// <summary>The functions, a file each, in folders by subject; in order of name, whatever the folder.</summary>
    public static IReadOnlyList<SqlScript> Functions { get; } = Read("functions/");

    /// <summary>The function that a file defines, as regprocedure reads it: <c>public.get_user_embedding_features(uuid)</c>.</summary>
    public string Signature => FunctionHeader().Match(Text) is { Success: true } header
        ? header.Groups["signature"].Value
        : throw new InvalidOperationException($"sql/functions/{Name} must begin with '-- function: schema.name(types)'.");

    /// <summary>
    /// A function of theirs beside which ours would be harmful, null with none: with another parameter list and defaults, each call of
    /// either would be ambiguous. The file's second line says so: <c>-- yields to: schema.name(types)</c>.
    /// </summary>
    public string? YieldsTo => YieldHeader().Match(Text) is { Success: true } header ? header.Groups["signature"].Value : null;

    /// <summary>
    /// The text for a database: <c>@vector_schema@</c> stands for the schema that has pgvector's types and operators, as
    /// <c>operator(@vector_schema@.&lt;=&gt;)</c>.
    /// </summary>
    public string For(string vectorSchema) => Errata.Aggregate(
        Text.Replace("@vector_schema@", vectorSchema, StringComparison.Ordinal),
        (text, erratum) => text.Replace(erratum.Landed, erratum.Runs, StringComparison.Ordinal));

    private static List<SqlScript> Read(string folder)
    {
        var assembly = typeof(SqlScript).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Select(resource => (Resource: resource, Path: resource.Replace('\\', '/')))
                .Where(entry => entry.Path.StartsWith(Prefix + folder, StringComparison.Ordinal))
                .Select(entry =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(entry.Resource)!);
                    return new SqlScript(entry.Path[(entry.Path.LastIndexOf('/') + 1)..], reader.ReadToEnd().ReplaceLineEndings("\n"));
                })
                .OrderBy(script => script.Name, StringComparer.Ordinal),
        ];
    }

    [GeneratedRegex(@"\A-- function: (?<signature>[a-z_]+\.[a-z_0-9]+\([^)]*\))\n")]
    private static partial Regex FunctionHeader();

    [GeneratedRegex(@"\A[^\n]+\n-- yields to: (?<signature>[a-z_]+\.[a-z_0-9]+\([^)]*\))\n")]
    private static partial Regex YieldHeader();
}
