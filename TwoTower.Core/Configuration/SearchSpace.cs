using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>
/// The keys of a recipe that a search sets, and what it may set them to: <c>{"history.ridge": {"min": 100, "max": 1500, "scale": "log"},
/// "history.sweeps": {"values": [4, 8, 16]}}</c> (docs/tuning.md). A point of the unit cube, one coordinate a setting, is one choice of them all.
/// </summary>
internal sealed class SearchSpace
{
    // Keys that a search would only fool itself with.
    private static readonly Dictionary<string, string> Fixed = new(StringComparer.Ordinal)
    {
        [RecipeKinds.Key] = "a search compares recipes of one kind",
        ["name"] = "it only names the recipe",
        ["seed"] = "a lucky seed is no better recipe; --seeds measures with several",
        ["history.choose"] = "a search sets values itself; what it sets isn't chosen by the training",
        ["features.use_rpc_features"] = "both ways give the same features",
        ["samples.held_out_users"] = "an evaluation holds out users of its own",
        ["serving.like_probability"] = "a search measures orders, not probabilities",
        ["serving.re_rank"] = "a search measures the model's own order; evaluate --rerank shows both",
    };

    private readonly Recipe _recipe;
    private readonly string _source;

    private SearchSpace(Recipe recipe, string source, IReadOnlyList<SearchSetting> settings) =>
        (_recipe, _source, Settings) = (recipe, source, settings);

    /// <summary>Names of the spaces inside this program, each of the recipe that it is for.</summary>
    public static IReadOnlyList<string> BuiltInNames => RecipeFiles.Spaces.BuiltInNames;

    /// <summary>Name of the built-in space for a recipe: of its kind, and in its units.</summary>
    public static string NameFor(Recipe recipe) => recipe.Kind != RecipeKind.History ? "v2"
        : recipe.History is { RidgePerD: null, ContentWeightPerD: null } ? "v3" : "v4";

    /// <summary>What is set, in the order of the file.</summary>
    public IReadOnlyList<SearchSetting> Settings { get; }

    /// <summary>What the recipe itself has; null where it has no value, or leaves it to the training.</summary>
    public JsonObject Own =>
        new(Settings.Select(setting => KeyValuePair.Create(setting.Key, RecipeReader.ValueOf(_recipe, setting.Key))));

    /// <summary>Names of the vectors (<c>two_tower.video_features</c>) that some choice of settings reads.</summary>
    public IReadOnlyCollection<string> VideoFeatures =>
    [
        .. Settings.SelectMany(setting => setting.Extremes.Select(value => Apply(new() { [setting.Key] = value }))).Append(_recipe)
            .SelectMany(recipe => recipe.Features.VideoFeatures ?? []).Distinct(),
    ];

    /// <summary>True for a key of a recipe that a search may set.</summary>
    internal static bool IsSearchable(string key) => !Fixed.ContainsKey(key);

    /// <summary>Reads a space for a recipe.</summary>
    /// <param name="nameOrPath">A built-in name such as <c>v3</c>, or the path of a JSON file.</param>
    /// <param name="recipe">The recipe whose keys are set.</param>
    /// <exception cref="InputException">No such space, not JSON, a key that a recipe doesn't have, a range with nothing in it, or a value that the recipe refuses.</exception>
    public static SearchSpace Read(string nameOrPath, Recipe recipe)
    {
        var (root, source) = RecipeFiles.Spaces.Read(nameOrPath);
        return Create(root, source, recipe);
    }

    /// <summary>Reads a space from its text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">Where it is from, for messages.</param>
    /// <param name="recipe">The recipe whose keys are set.</param>
    /// <exception cref="InputException">As of <see cref="Read"/>.</exception>
    public static SearchSpace Parse(string json, string source, Recipe recipe) =>
        Create(RecipeFiles.Spaces.Parse(json, source), source, recipe);

    /// <summary>The values at a point.</summary>
    /// <param name="point">[settings], each within 0..1.</param>
    public JsonObject At(IReadOnlyList<double> point) =>
        new(Settings.Select((setting, s) => KeyValuePair.Create(setting.Key, (JsonNode?)setting.At(point[s]))));

    /// <summary>[settings] the point of values; null where one of them isn't of this space, as a recipe's own may be.</summary>
    public double[]? Locate(JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var point = Settings.Select(setting => setting.Locate(values[setting.Key])).ToArray();
        return Array.TrueForAll(point, coordinate => coordinate is not null) ? [.. point.Select(coordinate => coordinate!.Value)] : null;
    }

    /// <summary>The recipe with values set; null: as the recipe has it.</summary>
    /// <exception cref="InputException">It refuses one.</exception>
    public Recipe Apply(JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return RecipeReader.With(_recipe, values, _source);
    }

    /// <summary>The space as a file has it, everything written out.</summary>
    public JsonObject ToJson() => new(Settings.Select(setting => KeyValuePair.Create(setting.Key, (JsonNode?)setting.ToJson())));

    private static SearchSpace Create(JsonObject root, string source, Recipe recipe)
    {
        foreach (var (key, _) in root)
        {
            if (RecipeKeys.Find(key) is not { } known)
            {
                throw new InputException(
                    $"{source}: a recipe has no key '{key}'; known are {string.Join(", ", RecipeKeys.Of(recipe.Kind).Where(IsSearchable))}.");
            }

            if (!known.IsOf(recipe.Kind)) throw new InputException($"{source}: {RecipeKinds.Refusal([key], $"recipe {recipe.Name}", recipe.Kind)}");
            if (Fixed.TryGetValue(key, out var why)) throw new InputException($"{source}: {key} can't be searched: {why}. Leave it out.");
        }

        foreach (var (absolute, perD) in HistoryOptions.Units.Select(pair => ($"history.{pair.Absolute}", $"history.{pair.PerD}")))
        {
            if (root.ContainsKey(absolute) && root.ContainsKey(perD))
            {
                throw new InputException($"{source}: {absolute} and {perD} say one thing in two units: leave out one of them.");
            }
        }

        if (root.Count == 0) throw new InputException($"{source} has no settings: give at least one, such as {{\"training.lr\": {{\"min\": 0.0001, \"max\": 0.01, \"scale\": \"log\"}}}}.");
        var space =
            new SearchSpace(
                recipe, source,
                [.. root.Select(pair => SearchSetting.Parse(pair.Key, pair.Value, RecipeKeys.Find(pair.Key)!.Type, source))]);

        // Every value, or both ends of a range: the recipe refuses here what it would refuse after an hour.
        foreach (var setting in space.Settings)
        {
            foreach (var value in setting.Extremes) space.Apply(new() { [setting.Key] = value });
        }

        return space;
    }
}
