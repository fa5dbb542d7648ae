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

    /// <summary>Sets the value in a recipe's JSON.</summary>
    public void Apply(JsonObject root)
    {
        var type = typeof(Recipe);
        var node = root;
        for (var depth = 0; depth < Path.Count; depth++)
        {
            var property = RecipeKeys.Level(type).FirstOrDefault(level => level.Key == Path[depth]).Property
                ?? throw Unknown();
            type = property.PropertyType;
            var last = depth == Path.Count - 1;
            if (last == RecipeKeys.IsSection(type)) throw Unknown();
            if (last)
            {
                node[Path[depth]] = ToNode(type);
                return;
            }

            // A section that is not an object is left for the binder, which says what is wrong with the file.
            if (node[Path[depth]] is null) node[Path[depth]] = new JsonObject();
            if (node[Path[depth]] is not JsonObject section) return;
            node = section;
        }
    }

    private InputException Unknown() => new(
        $"'{Source}' names no key of a recipe: there is no '{string.Join('.', Path)}'; known are {string.Join(", ", RecipeKeys.All())}.");

    private JsonNode? ToNode(Type type)
    {
        if (type == typeof(string)) return JsonValue.Create(Value);
        if (type == typeof(IReadOnlyList<string>) && !Value.StartsWith('['))
        {
            return new JsonArray([.. Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(text => JsonValue.Create(text))]);
        }

        var isList = type != typeof(string) && type.IsGenericType;
        var text = isList && !Value.StartsWith('[') ? $"[{Value}]" : Value;
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException error)
        {
            throw new InputException($"'{Source}': the value is '{Value}'; {RecipeKeys.Describe(type)} was expected.", error);
        }
    }
}
