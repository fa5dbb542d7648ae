using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>Kinds of recipes as text, and the best recipe of each: a file of <c>recipes/</c> in which every key of the kind is written
/// out.</summary>
internal static class RecipeKinds
{
    /// <summary>Where a file says its kind.</summary>
    public const string Key = "kind";

    /// <summary>How files before there were kinds said theirs: <c>history.enabled</c>.</summary>
    public static readonly (string Section, string Name) OldKey = ("history", "enabled");

    /// <summary>Every kind.</summary>
    public static readonly IReadOnlyList<RecipeKind> All = Enum.GetValues<RecipeKind>();

    /// <summary>As files spell it.</summary>
    public static string Text(this RecipeKind kind) => kind == RecipeKind.History ? "history" : "statistics";

    /// <summary>The kind that a text names; null for no kind.</summary>
    public static RecipeKind? Parse(string? text) =>
        All.Where(kind => kind.Text() == text).Select(kind => (RecipeKind?)kind).FirstOrDefault();

    /// <summary>The kind that <c>history.enabled</c> stands for.</summary>
    public static RecipeKind Of(bool historyEnabled) => historyEnabled ? RecipeKind.History : RecipeKind.Statistics;

    /// <summary>Name of the built-in recipe of the kind that measured best among those whose values are all fixed
    /// (docs/evaluation.md).</summary>
    public static string BaseName(this RecipeKind kind) => kind == RecipeKind.History ? "v3" : "v2-taste";

    /// <summary>That recipe's file: what a recipe of the kind has where its own file says nothing. Nothing is chosen there unless it asks
    /// for it.</summary>
    public static JsonObject Base(this RecipeKind kind) => RecipeFiles.Recipes.Read(kind.BaseName()).Root;

    /// <summary>Why a key of another kind is refused, and what to do.</summary>
    /// <param name="recipe">What messages call the recipe.</param>
    /// <param name="kind">The recipe's kind.</param>
    public static string Refusal(IReadOnlyList<string> keys, string recipe, RecipeKind kind)
    {
        var other = All.First(one => one != kind);
        var (are, they, them) = keys.Count == 1 ? ("is a key", "it changes", "it") : ("are keys", "they change", "them");
        return $"{string.Join(", ", keys)} {are} of {other.Text()} recipes; {recipe} is of the kind {kind.Text()}, where {they} nothing. "
            + $"Leave {them} out, or train a {other.Text()} recipe (--recipe {other.BaseName()}, or a file with \"kind\": \"{other.Text()}\").";
    }
}
