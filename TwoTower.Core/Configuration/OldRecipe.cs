using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>
/// Recipes of before there were kinds: they say none, <c>history.enabled</c> tells, every key may be there whatever it changes, and what is
/// left out is as in recipe v2. They train what they always trained.
/// </summary>
internal static class OldRecipe
{
    /// <summary>What was said instead of a kind.</summary>
    public static string Key { get; } = $"{RecipeKinds.OldKey.Section}.{RecipeKinds.OldKey.Name}";

    /// <summary>True for one that says no kind.</summary>
    public static bool Is(JsonObject root) => !root.ContainsKey(RecipeKinds.Key);

    /// <summary>What <c>history.enabled</c> says; null where it isn't there.</summary>
    /// <exception cref="InputException">It is neither true nor false.</exception>
    public static bool? Enabled(JsonObject root, string source)
    {
        if (root[RecipeKinds.OldKey.Section] is not JsonObject section
            || !section.TryGetPropertyValue(RecipeKinds.OldKey.Name, out var value)) return null;
        return value is JsonValue given && given.TryGetValue<bool>(out var enabled)
            ? enabled
            : throw new InputException($"{source}: {Key} is {RecipeReader.Show(value)}; {RecipeKeys.Describe(typeof(bool))} was expected.");
    }

    /// <summary>The kind: of the last assignment of <c>history.enabled</c>, else of the file.</summary>
    public static RecipeKind KindOf(JsonObject root, IEnumerable<RecipeAssignment> assignments, string source) =>
        assignments.LastOrDefault(assignment => assignment.IsOldKind)?.Kind ?? RecipeKinds.Of(Enabled(root, source) ?? false);

    /// <summary>Makes a recipe of today of it: it says its kind, and has no key that changed nothing.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="source">What messages call it.</param>
    /// <param name="say">Told of it in one line.</param>
    public static void Update(JsonObject root, RecipeKind kind, string source, Action<string>? say)
    {
        RecipeReader.Remove(root, Key);
        List<string> idle =
            [.. RecipeKeys.All.Where(key => !key.IsOf(kind) && RecipeReader.Remove(root, key.Path)).Select(key => key.Path)];
        root[RecipeKinds.Key] = kind.Text();
        if (kind == RecipeKind.History) KeepFirstLayer(root, idle);
        say?.Invoke(
            $"{source} says no kind and is read as before there were kinds: as a {kind.Text()} recipe that has recipe v2's values where it says nothing."
            + (idle.Count > 0 ? $" There these change nothing: {string.Join(", ", idle)}." : "")
            + $" docs/recipes.md says how to give it a kind (\"kind\": \"{kind.Text()}\").");
    }

    // A list of widths was allowed, and all but the first were passed over.
    private static void KeepFirstLayer(JsonObject root, List<string> idle)
    {
        if (root["model"] is null) root["model"] = new JsonObject();
        if (root["model"] is not JsonObject model) return;
        if (model["hidden_dims"] is null) model["hidden_dims"] = new JsonArray(new ModelOptions().HiddenDims[0]);
        else if (model["hidden_dims"] is JsonArray { Count: > 1 } widths)
        {
            model["hidden_dims"] = new JsonArray(widths[0]?.DeepClone());
            idle.Add("more than the first of model.hidden_dims");
        }
    }
}
