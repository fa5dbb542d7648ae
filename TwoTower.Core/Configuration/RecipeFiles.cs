using System.Text.Json;
using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>The JSON files of <c>recipes/</c>, which are inside this program, and people's own: recipes, and spaces to search recipes
/// in.</summary>
/// <param name="Noun">What it is, for messages.</param>
/// <param name="Ending">What follows the name of a built-in one: <c>.json</c>, <c>.space.json</c>.</param>
/// <param name="Content">What such a file holds, for messages.</param>
internal sealed record RecipeFiles(string Noun, string Ending, string Content)
{
    private const string ResourcePrefix = "recipes/";

    /// <summary>Recipes.</summary>
    public static readonly RecipeFiles Recipes = new("recipe", ".json", "the keys of recipes/v2.json");

    /// <summary>Spaces to search recipes in.</summary>
    public static readonly RecipeFiles Spaces = new("search space", ".space.json", "keys of a recipe and what to try");

    /// <summary>Names of those inside this program. A name has no dot: schemas aren't among them.</summary>
    public IReadOnlyList<string> BuiltInNames { get; } =
    [
        .. typeof(RecipeFiles).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal) && name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[ResourcePrefix.Length..^Ending.Length])
            .Where(name => !name.Contains('.', StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Reads one, without its <c>$schema</c>.</summary>
    /// <param name="nameOrPath">A built-in name, or the path of a file.</param>
    /// <returns>The object, and what messages call it.</returns>
    /// <exception cref="InputException">No such file, or no JSON object.</exception>
    public (JsonObject Root, string Source) Read(string nameOrPath)
    {
        var (json, source) = Open(nameOrPath);
        return (Parse(json, source), source);
    }

    /// <summary>Parses one, without its <c>$schema</c>.</summary>
    /// <exception cref="InputException">No JSON object.</exception>
    public JsonObject Parse(string json, string source)
    {
        try
        {
            var options = new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            };
            var root = JsonNode.Parse(json, documentOptions: options) as JsonObject
                ?? throw new InputException($"{source} must be a JSON object with {Content}.");
            root.Remove("$schema");
            return root;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new InputException($"{source} is not JSON: {error.Message}", error);
        }
    }

    private (string Json, string Source) Open(string nameOrPath)
    {
        if (BuiltInNames.Contains(nameOrPath, StringComparer.Ordinal))
        {
            using var stream = typeof(RecipeFiles).Assembly.GetManifestResourceStream($"{ResourcePrefix}{nameOrPath}{Ending}")!;
            using var reader = new StreamReader(stream);
            return (reader.ReadToEnd(), $"{Noun} {nameOrPath}");
        }

        if (!File.Exists(nameOrPath))
        {
            throw new InputException(
                $"There is no {Noun} '{nameOrPath}': it is neither a file nor one of the built-in {string.Join(", ", BuiltInNames)}.");
        }

        try
        {
            return (File.ReadAllText(nameOrPath), nameOrPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The {Noun} {nameOrPath} can't be read: {error.Message}", error);
        }
    }
}
