using System.Text.RegularExpressions;
using TwoTower.Core.Configuration;

namespace TwoTower.Core.Tests.Configuration;

/// <summary>With TWOTOWER_UPDATE_DOCS=1 the files are written instead of compared.</summary>
public sealed class RecipeDocumentsTests
{
    private static readonly RecipeDocuments Documents = new();

    [Fact]
    public void The_JSON_schema_is_that_of_the_code() => Matches(Path.Combine(Root(), "recipes", "recipe.schema.json"), _ => Documents.Schema());

    [Fact]
    public void The_JSON_schema_of_spaces_offers_every_key_that_can_be_searched() =>
        Matches(Path.Combine(Root(), "recipes", "space.schema.json"), RecipeDocuments.SpaceSchema);

    [Fact]
    public void The_tables_of_keys_are_those_of_the_code() => Matches(Path.Combine(Root(), "docs", "recipes.md"), text => Regex.Replace(
        text, @"(?<=<!-- keys: (?<name>\w+) -->\n).*?(?=<!-- end -->)", match => $"\n{Documents.Table(match.Groups["name"].Value)}\n", RegexOptions.Singleline));

    [Fact]
    public void The_document_has_a_table_for_every_key()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "docs", "recipes.md"));
        Assert.All(RecipeKeys.All, key => Assert.Contains($"\n| `{key.Path}` |", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_key_says_what_it_does_and_when_to_change_it() => Assert.All(
        Documents.Table("both").Split('\n').Concat(Documents.Table("statistics").Split('\n')).Concat(Documents.Table("everyday").Split('\n'))
            .Concat(Documents.Table("advanced").Split('\n')).Where(row => row.StartsWith("| `", StringComparison.Ordinal)),
        row => Assert.Matches(@"\| \S.*\. \*\S.*\.\* \|$", row));

    private static void Matches(string path, Func<string, string> expected)
    {
        var text = File.ReadAllText(path).ReplaceLineEndings("\n");
        var wanted = expected(text);
        if (Environment.GetEnvironmentVariable("TWOTOWER_UPDATE_DOCS") == "1") File.WriteAllText(path, wanted);
        else Assert.True(wanted == text, $"{path} isn't what the code says: run this test with TWOTOWER_UPDATE_DOCS=1");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "TwoTower.sln"))) folder = folder.Parent ?? throw new InvalidOperationException("no TwoTower.sln above the tests");
        return folder.FullName;
    }
}
