using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>
/// Reads recipes: a file or a built-in name, then the environment (<c>TWOTOWER_RECIPE__TRAINING__EPOCHS=5</c>), then overrides
/// (<c>training.epochs=5</c>), later ones winning. What the file leaves out has its default. Nothing is used before all of it is valid.
/// </summary>
public static class RecipeReader
{
    /// <summary>The built-in recipe that trains where none is named: the one that measured best (docs/evaluation.md).</summary>
    public const string DefaultName = "v3";

    private const string EnvironmentPrefix = "TWOTOWER_RECIPE__";
    private const string ResourcePrefix = "recipes/";
    private const string SchemaFile = "recipe.schema";

    /// <summary>Names of the recipes inside this program.</summary>
    public static IReadOnlyList<string> BuiltInNames { get; } =
    [
        .. typeof(RecipeReader).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(name => Path.GetFileNameWithoutExtension(name[ResourcePrefix.Length..]))
            .Where(name => name != SchemaFile)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Reads a recipe.</summary>
    /// <param name="nameOrPath">A built-in name such as <c>v2</c>, or the path of a JSON file.</param>
    /// <param name="overrides">Assignments <c>section.key=value</c>; lists as <c>512,256</c>.</param>
    /// <param name="environment">Environment variables.</param>
    /// <exception cref="InputException">No such recipe, not JSON, a key that doesn't exist, or a value out of range.</exception>
    public static Recipe Read(string nameOrPath, IReadOnlyList<string> overrides, IDictionary environment)
    {
        var (json, source) = Open(nameOrPath);
        var root = ParseObject(json, source);
        root.Remove("$schema");

        var assignments = new List<RecipeAssignment>();
        foreach (DictionaryEntry variable in environment)
        {
            var name = (string)variable.Key;
            if (!name.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase)) continue;
            var path = name[EnvironmentPrefix.Length..].ToLowerInvariant().Split("__");
            assignments.Add(new(name, path, (string?)variable.Value ?? ""));
        }

        assignments.Sort((left, right) => string.CompareOrdinal(left.Source, right.Source));
        assignments.AddRange(overrides.Select(RecipeAssignment.Parse));
        foreach (var assignment in assignments) assignment.Apply(root);

        var recipe = (Recipe)Bind(typeof(Recipe), root, "", source);
        RecipeValidator.Validate(recipe, source);
        return recipe;
    }

    /// <summary>The recipe with every key, in a stable order: what artifacts carry as <c>config</c>.</summary>
    public static string ToJson(Recipe recipe) => JsonSerializer.Serialize(recipe, RecipeKeys.Json);

    private static (string Json, string Source) Open(string nameOrPath)
    {
        if (BuiltInNames.Contains(nameOrPath, StringComparer.Ordinal))
        {
            using var stream = typeof(RecipeReader).Assembly.GetManifestResourceStream($"{ResourcePrefix}{nameOrPath}.json")!;
            using var reader = new StreamReader(stream);
            return (reader.ReadToEnd(), $"recipe {nameOrPath}");
        }

        if (!File.Exists(nameOrPath))
        {
            throw new InputException(
                $"There is no recipe '{nameOrPath}': it is neither a file nor one of the built-in {string.Join(", ", BuiltInNames)}.");
        }

        try
        {
            return (File.ReadAllText(nameOrPath), nameOrPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The recipe {nameOrPath} can't be read: {error.Message}", error);
        }
    }

    private static JsonObject ParseObject(string json, string source)
    {
        try
        {
            var options = new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            };
            return JsonNode.Parse(json, documentOptions: options) as JsonObject
                ?? throw new InputException($"{source} must be a JSON object with the keys of recipes/v2.json.");
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new InputException($"{source} is not JSON: {error.Message}", error);
        }
    }

    private static object Bind(Type type, JsonObject values, string prefix, string source)
    {
        var section = Activator.CreateInstance(type)!;
        var properties = RecipeKeys.Level(type).ToDictionary(level => level.Key, level => level.Property);
        foreach (var (key, value) in values)
        {
            if (!properties.TryGetValue(key, out var property))
            {
                throw new InputException(
                    $"{source}: there is no key '{prefix}{key}'; known here are {string.Join(", ", properties.Keys.Select(known => prefix + known))}.");
            }

            property.SetValue(section, RecipeKeys.IsSection(property.PropertyType)
                ? Bind(property.PropertyType, AsSection(value, prefix + key, source), $"{prefix}{key}.", source)
                : Convert(value, property.PropertyType, prefix + key, source));
        }

        return section;
    }

    private static JsonObject AsSection(JsonNode? value, string path, string source) => value as JsonObject
        ?? throw new InputException($"{source}: {path} is {Show(value)}; a section {{ … }} was expected.");

    private static object Convert(JsonNode? value, Type type, string path, string source)
    {
        try
        {
            return value.Deserialize(type, RecipeKeys.Json) ?? throw new JsonException("null");
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            throw new InputException($"{source}: {path} is {Show(value)}; {RecipeKeys.Describe(type)} was expected.", error);
        }
    }

    private static string Show(JsonNode? value) => value?.ToJsonString() ?? "null";
}
