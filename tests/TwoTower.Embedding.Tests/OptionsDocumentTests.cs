using System.Text.RegularExpressions;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>docs/embedding.md against the options.</summary>
public partial class OptionsDocumentTests
{
    // The worker's own doing, and what docs/releases.md describes.
    private static readonly string[] Elsewhere =
        ["Embedding", "Embedding:Index", "Embedding:Gate", "Embedding:Activate", "Embedding:Actor"];

    [Fact]
    public void Every_option_is_in_the_document_and_the_document_has_no_other()
    {
        string[] options =
        [
            .. Names(typeof(EmbedderOptions), ""), .. Names(typeof(EmbedOptions), "Embedding:"), .. Names(typeof(VectorIndexOptions), "Embedding:Index:"),
        ];
        var table = File.ReadAllText(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "embedding.md")).Split("## Options")[1].Split("\n## ")[0];
        var documented = Row().Matches(table).SelectMany(row => Key().Matches(row.Value).Select(key => key.Groups[1].Value))
            .Select(key => key.StartsWith(':') ? "Embedding:Index" + key : key);
        Assert.Equal(options.Except(Elsewhere).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Names(Type type, string prefix) =>
        type.GetProperties().Where(property => property.CanWrite).Select(property => prefix + property.Name);

    [GeneratedRegex(@"^\| `[^|]*\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z:]+)`")]
    private static partial Regex Key();
}
