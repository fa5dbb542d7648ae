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

    /// <summary>Names of the recipes inside this program.</summary>
    public static IReadOnlyList<string> BuiltInNames => RecipeFiles.Recipes.BuiltInNames;

    /// <summary>Reads a recipe.</summary>
    /// <param name="nameOrPath">A built-in name such as <c>v2</c>, or the path of a JSON file.</param>
    /// <param name="overrides">Assignments <c>section.key=value</c>; lists as <c>512,256</c>.</param>
    /// <param name="environment">Environment variables.</param>
    /// <exception cref="InputException">No such recipe, not JSON, a key that doesn't exist, or a value out of range.</exception>
    public static Recipe Read(string nameOrPath, IReadOnlyList<string> overrides, IDictionary environment)
    {
        var (root, source) = RecipeFiles.Recipes.Read(nameOrPath);
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
        return Bind(root, source);
    }

    /// <summary>The same recipe with some values set.</summary>
    /// <param name="recipe">The recipe; it stays as it is.</param>
    /// <param name="values">Dotted keys that exist, such as <c>training.epochs</c>, and their values.</param>
    /// <param name="source">Where the values come from, for messages.</param>
    /// <exception cref="InputException">A value of the wrong kind or out of range.</exception>
    internal static Recipe With(Recipe recipe, JsonObject values, string source)
    {
        var root = JsonSerializer.SerializeToNode(recipe, RecipeKeys.Json)!.AsObject();
        foreach (var (key, value) in values)
        {
            var path = key.Split('.');
            path[..^1].Aggregate(root, (node, section) => node[section]!.AsObject())[path[^1]] = value?.DeepClone();
        }

        return Bind(root, source);
    }

    /// <summary>A value of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="key">A dotted key that exists.</param>
    internal static JsonNode ValueOf(Recipe recipe, string key) =>
        key.Split('.').Aggregate(JsonSerializer.SerializeToNode(recipe, RecipeKeys.Json)!, (node, part) => node[part]!).DeepClone();

    /// <summary>The recipe with every key, in a stable order: what artifacts carry as <c>config</c>.</summary>
    public static string ToJson(Recipe recipe) => JsonSerializer.Serialize(recipe, RecipeKeys.Json);

    private static Recipe Bind(JsonObject root, string source)
    {
        var recipe = (Recipe)Bind(typeof(Recipe), root, "", source);
        RecipeValidator.Validate(recipe, source);
        return recipe;
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
