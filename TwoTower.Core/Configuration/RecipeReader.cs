using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Configuration;

/// <summary>
/// Reads recipes: a file or a built-in name, then the environment (<c>TWOTOWER_RECIPE__TRAINING__EPOCHS=5</c>), then overrides
/// (<c>training.epochs=5</c>), later ones winning. What a file leaves out is as in the recipe that its kind is based on (<see cref="RecipeKinds"/>); a file
/// that says no kind is read as before there were kinds (<see cref="OldRecipe"/>). Nothing is used before all of it is valid.
/// </summary>
public static class RecipeReader
{
    /// <summary>The built-in recipe that trains where none is named (docs/evaluation.md).</summary>
    public const string DefaultName = "v3";

    private const string EnvironmentPrefix = "TWOTOWER_RECIPE__";

    private const string HistorySection = "history", ChooseKey = "choose";

    /// <summary>Names of the recipes inside this program.</summary>
    public static IReadOnlyList<string> BuiltInNames => RecipeFiles.Recipes.BuiltInNames;

    /// <summary>Reads a recipe.</summary>
    /// <param name="nameOrPath">A built-in name such as <c>v2</c>, or the path of a JSON file.</param>
    /// <param name="overrides">Assignments <c>section.key=value</c>; lists as <c>512,256</c>.</param>
    /// <param name="environment">Environment variables.</param>
    /// <param name="say">Told in one line of a file that says no kind, and what of it changes nothing.</param>
    /// <exception cref="InputException">No such recipe, not JSON, a key that doesn't exist or that only another kind has, or a value out of range.</exception>
    public static Recipe Read(string nameOrPath, IReadOnlyList<string> overrides, IDictionary environment, Action<string>? say = null)
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
        var isOld = OldRecipe.Is(root);
        var kind = isOld ? OldRecipe.KindOf(root, assignments, source) : KindOf(root, source);
        foreach (var assignment in assignments.Where(one => !(isOld && one.IsOldKind) && one.Kind is { } wanted && wanted != kind))
        {
            throw new InputException(
                $"'{assignment.Source}': {source} is of the kind {kind.Text()}, and stays so: its other keys are of that kind. "
                + $"Train a {assignment.Kind!.Value.Text()} recipe (--recipe {assignment.Kind.Value.BaseName()}, or a file with \"kind\": \"{assignment.Kind.Value.Text()}\").");
        }

        if (isOld) OldRecipe.Update(root, kind, source, say);
        else root = Complete(root, kind, source);
        foreach (var assignment in assignments.Where(one => one.Kind is null)) assignment.Apply(root, source, kind);
        return Validated(Bind(root, source), source);
    }

    /// <summary>A recipe as artifacts carry it (<see cref="ToJson"/>), of this version or an older one. What it leaves out didn't exist when it was written.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">Where it is from, for messages.</param>
    /// <exception cref="InputException">It is no recipe.</exception>
    internal static Recipe Stored(string json, string source)
    {
        var root = RecipeFiles.Recipes.Parse(json, source);
        if (OldRecipe.Is(root)) OldRecipe.Update(root, OldRecipe.KindOf(root, [], source), source, say: null);
        return Bind(root, source);
    }

    /// <summary>What an artifact has as <c>config</c>, as this version would write it, so that two can be compared; what is no recipe of
    /// ours stays as it is.</summary>
    public static JsonNode? Current(JsonNode? config)
    {
        try
        {
            return config is JsonObject ? ToNode(Stored(config.ToJsonString(), "config")) : config;
        }
        catch (InputException)
        {
            return config;
        }
    }

    /// <summary>The same recipe with some values set.</summary>
    /// <param name="recipe">The recipe; it stays as it is.</param>
    /// <param name="values">Dotted keys of its kind, such as <c>training.epochs</c>, and their values; null: as the recipe has it.</param>
    /// <param name="source">Where the values come from, for messages.</param>
    /// <exception cref="InputException">A value of the wrong type or out of range.</exception>
    internal static Recipe With(Recipe recipe, JsonObject values, string source)
    {
        var root = ToNode(recipe);
        foreach (var (key, value) in values)
        {
            if (value is null) continue;
            var path = key.Split('.');
            path[..^1].Aggregate(root, (node, section) => node[section]!.AsObject())[path[^1]] = value.DeepClone();
            SetByHand(root, path);
        }

        return Validated(Bind(root, source), source);
    }

    /// <summary>A value that is set isn't chosen by the training, and holds in place of the same in another unit.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="path">The key that was set.</param>
    internal static void SetByHand(JsonObject root, IReadOnlyList<string> path)
    {
        if (path is not [HistorySection, var name] || root[HistorySection] is not JsonObject section) return;
        if (HistoryOptions.Units.FirstOrDefault(pair => name == pair.Absolute || name == pair.PerD) is
            { Absolute: { } absolute, PerD: var perD })
        {
            section.Remove(name == absolute ? perD : absolute);
            name = absolute;
        }

        if (section[ChooseKey] is not JsonArray list) return;
        section[ChooseKey] =
            new JsonArray(
                [.. list.Where(one => one is not JsonValue value || !value.TryGetValue<string>(out var chosen) || chosen != name).Select(
                    one => one?.DeepClone())]);
    }

    /// <summary>A value of a recipe.</summary>
    /// <param name="key">A dotted key of its kind.</param>
    /// <returns>Null where it has none, or the training chooses it.</returns>
    internal static JsonNode? ValueOf(Recipe recipe, string key) =>
        key.Split('.') is [HistorySection, var name] && !recipe.History.Uses(name)
            ? null
            : key.Split('.').Aggregate((JsonNode?)Whole(recipe), (node, part) => node?[part])?.DeepClone();

    /// <summary>The recipe with every key of its kind, in a stable order: what artifacts carry as <c>config</c>.</summary>
    public static string ToJson(Recipe recipe) => ToNode(recipe).ToJsonString(SnakeCaseJson.Indented);

    /// <summary>The recipe with every key of its kind.</summary>
    internal static JsonObject ToNode(Recipe recipe)
    {
        var root = Whole(recipe);
        foreach (var key in RecipeKeys.All.Where(key => !key.IsOf(recipe.Kind))) Remove(root, key.Path);
        if (recipe.Features.MaxDecisions == FeatureOptions.DefaultMaxDecisions) Remove(root, "features.max_decisions");
        if (recipe.History.RidgePerD is not null) Remove(root, "history.ridge");
        if (recipe.History.ContentWeightPerD is not null) Remove(root, "history.content_weight");

        // Not written where false, but the best history recipe has true: left out of a file, it would become that.
        if (recipe.Kind == RecipeKind.History) root["serving"]!["like_probability"] ??= false;
        return root;
    }

    private static JsonObject Whole(Recipe recipe) => JsonSerializer.SerializeToNode(recipe, SnakeCaseJson.Indented)!.AsObject();

    /// <summary>Takes a key out, and its section where nothing is left of it. True where it was there.</summary>
    internal static bool Remove(JsonObject root, string key)
    {
        if (key.Split('.') is not [var name, .. var rest] || root[name] is not { } value) return false;
        if (rest.Length == 0) return root.Remove(name);
        if (value is not JsonObject section || !Remove(section, string.Join('.', rest))) return false;
        if (section.Count == 0) root.Remove(name);
        return true;
    }

    /// <summary>The kind that a file says.</summary>
    private static RecipeKind KindOf(JsonObject root, string source)
    {
        var kind = (root[RecipeKinds.Key] is JsonValue value && value.TryGetValue<string>(out var text) ? RecipeKinds.Parse(text) : null)
            ?? throw new InputException($"{source}: {RecipeKinds.Key} is {Show(root[RecipeKinds.Key])}; {RecipeKeys.Describe(typeof(RecipeKind))} was expected.");
        if (OldRecipe.Enabled(root, source) is { } enabled && RecipeKinds.Of(enabled) != kind)
        {
            throw new InputException(
                $"{source}: kind is {kind.Text()} and {OldRecipe.Key}, its old name, is {(enabled ? "true" : "false")}: leave out {OldRecipe.Key}.");
        }

        return kind;
    }

    // What a file says, over the best recipe of its kind.
    private static JsonObject Complete(JsonObject root, RecipeKind kind, string source)
    {
        Remove(root, OldRecipe.Key);
        string[] foreign = [.. RecipeKeys.All.Where(key => !key.IsOf(kind) && Has(root, key.Path)).Select(key => key.Path)];
        if (foreign.Length > 0) throw new InputException($"{source}: {RecipeKinds.Refusal(foreign, source, kind)}");
        var complete = kind.Base();
        var history = root[HistorySection] as JsonObject ?? new JsonObject();
        if (HistoryOptions.Units.FirstOrDefault(pair => history.ContainsKey(pair.Absolute) && history.ContainsKey(pair.PerD)) is
            { Absolute: { } absolute, PerD: var perD })
        {
            throw new InputException(
                $"{source}: {HistorySection}.{absolute} and {HistorySection}.{perD} say one thing in two units: leave out one of them.");
        }

        // Of the best recipe: what the file itself lists to be chosen, it lists beside the values to begin with.
        foreach (var (key, _) in history) SetByHand(complete, [HistorySection, key]);
        Merge(complete, root);
        return complete;

        static void Merge(JsonObject into, JsonObject from)
        {
            foreach (var (key, value) in from)
            {
                if (into[key] is JsonObject section && value is JsonObject given) Merge(section, given);
                else into[key] = value?.DeepClone();
            }
        }
    }

    private static bool Has(JsonObject root, string key) =>
        key.Split('.') is [var name, .. var rest] && root.ContainsKey(name)
            && (rest.Length == 0 || (root[name] is JsonObject section && Has(section, string.Join('.', rest))));

    private static Recipe Validated(Recipe recipe, string source)
    {
        RecipeValidator.Validate(recipe, source);
        return recipe;
    }

    private static Recipe Bind(JsonObject root, string source) => (Recipe)Bind(typeof(Recipe), root, "", source);

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
            return value.Deserialize(type, SnakeCaseJson.Indented) ?? throw new JsonException("null");
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            throw new InputException($"{source}: {path} is {Show(value)}; {RecipeKeys.Describe(type)} was expected.", error);
        }
    }

    /// <summary>A value for messages.</summary>
    internal static string Show(JsonNode? value) => value?.ToJsonString() ?? "null";
}
