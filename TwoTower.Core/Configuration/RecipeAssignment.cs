using System.Text.Json;
using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>One value set from outside the file.</summary>
/// <param name="Source">The variable or override as given, for messages.</param>
/// <param name="Path">Keys from the root, such as training, epochs.</param>
/// <param name="Value">The value as text.</param>
internal sealed record RecipeAssignment(string Source, IReadOnlyList<string> Path, string Value)
{
    /// <summary>Reads <c>training.epochs=5</c>.</summary>
    public static RecipeAssignment Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1) throw new InputException($"The override '{text}' must look like training.epochs=5.");
        return new(text, text[..equals].Trim().Split('.'), text[(equals + 1)..].Trim());
    }

    /// <summary>The kind that this sets, in today's words (<c>kind=history</c>) or the old ones (<c>history.enabled=true</c>); null for any
    /// other key.</summary>
    /// <exception cref="InputException">It sets the kind to something else.</exception>
    public RecipeKind? Kind => Path switch
    {
        [RecipeKinds.Key] => RecipeKinds.Parse(Value) ?? throw NotA(typeof(RecipeKind)),
        _ when IsOldKind => RecipeKinds.Of(bool.TryParse(Value, out var enabled) ? enabled : throw NotA(typeof(bool))),
        _ => null,
    };

    /// <summary>True for <c>history.enabled=true</c>.</summary>
    public bool IsOldKind => Path is [var section, var name] && (section, name) == RecipeKinds.OldKey;

    /// <summary>Sets the value in a recipe's JSON.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="recipe">What messages call it.</param>
    /// <exception cref="InputException">There is no such key, or only recipes of another kind have it.</exception>
    public void Apply(JsonObject root, string recipe, RecipeKind kind)
    {
        var path = string.Join('.', Path);
        var key = RecipeKeys.Find(path) ?? throw new InputException(
            $"'{Source}' names no key of a recipe: there is no '{path}'; known are {string.Join(", ", RecipeKeys.Of(kind))}.");
        if (!key.IsOf(kind)) throw new InputException($"'{Source}': {RecipeKinds.Refusal([path], recipe, kind)}");
        var node = root;
        foreach (var part in Path.SkipLast(1))
        {
            // A section that is not an object is left for the binder, which says what is wrong with the file.
            if (node[part] is null) node[part] = new JsonObject();
            if (node[part] is not JsonObject section) return;
            node = section;
        }

        node[Path[^1]] = ToNode(key.Type);
        RecipeReader.SetByHand(root, Path);
    }

    private JsonNode? ToNode(Type type)
    {
        if (type == typeof(string)) return JsonValue.Create(Value);
        if (type == typeof(IReadOnlyList<string>) && !Value.StartsWith('['))
        {
            return new JsonArray(
                [.. Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(
                    text => JsonValue.Create(text))]);
        }

        var isList = type != typeof(string) && type.IsGenericType;
        var text = isList && !Value.StartsWith('[') ? $"[{Value}]" : Value;
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException error)
        {
            throw NotA(type, error);
        }
    }

    private InputException NotA(Type type, JsonException? error = null)
    {
        var message = $"'{Source}': the value is '{Value}'; {RecipeKeys.Describe(type)} was expected.";
        return error is null ? new(message) : new(message, error);
    }
}
