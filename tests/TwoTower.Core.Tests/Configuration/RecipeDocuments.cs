using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using System.Xml.XPath;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Configuration;

/// <summary>What is written about recipes, made from the code: defaults from the best recipe of each kind, texts from the comments of the
/// keys.</summary>
internal sealed class RecipeDocuments
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly XDocument _comments = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "TwoTower.Core.xml"));
    private readonly Dictionary<RecipeKind, Recipe> _best =
        RecipeKinds.All.ToDictionary(kind => kind, kind => RecipeReader.Read(kind.BaseName(), [], new Dictionary<string, string>()));

    /// <summary>recipes/recipe.schema.json.</summary>
    public string Schema()
    {
        JsonObject root = new()
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "A TwoTower recipe",
            ["description"] = "One way to train. It says its kind; a key that is left out is as in the best recipe of the kind, and any other key is refused. Each key can be overridden by the "
                + "environment (TWOTOWER_RECIPE__TRAINING__EPOCHS=5) and by the command line (--set training.epochs=5).",
            ["type"] = "object",
            ["required"] = new JsonArray("kind"),
            ["properties"] = new JsonObject { ["kind"] = KindSchema(RecipeKinds.All) },
            ["if"] = new JsonObject { ["properties"] = new JsonObject { ["kind"] = new JsonObject { ["const"] = RecipeKind.History.Text() } } },
            ["then"] = new JsonObject { ["$ref"] = "#/$defs/history" },
            ["else"] = new JsonObject { ["$ref"] = "#/$defs/statistics" },
            ["$defs"] = new JsonObject(RecipeKinds.All.Select(kind => KeyValuePair.Create(kind.Text(), (JsonNode?)Section(typeof(Recipe), kind, "")))),
        };
        ((JsonObject)root["$defs"]!["statistics"]!["properties"]!).Insert(0, "$schema", Where());
        ((JsonObject)root["$defs"]!["history"]!["properties"]!).Insert(0, "$schema", Where());
        return root.ToJsonString(Readable) + "\n";

        static JsonObject Where() => new() { ["type"] = "string", ["description"] = "For editors: where this schema is." };
    }

    /// <summary>recipes/space.schema.json: the file with the keys of today.</summary>
    public static string SpaceSchema(string text)
    {
        var root = JsonNode.Parse(text)!;
        var keys = (JsonObject)root["properties"]!;
        foreach (var old in keys.Select(pair => pair.Key).Where(key => key != "$schema").ToList()) keys.Remove(old);
        foreach (var key in RecipeKeys.All.Select(key => key.Path).Where(SearchSpace.IsSearchable))
        {
            keys[key] = new JsonObject { ["$ref"] = "#/$defs/setting" };
        }

        return root.ToJsonString(Readable) + "\n";
    }

    /// <summary>A table of docs/recipes.md.</summary>
    /// <param name="name">both, statistics, everyday or advanced.</param>
    public string Table(string name)
    {
        RecipeKind? kind = name switch { "both" => null, "statistics" => RecipeKind.Statistics, _ => RecipeKind.History };
        var keys = RecipeKeys.All.Where(key => key.Kind == kind && (kind != RecipeKind.History || Group(key.Property) == name));
        var text = new StringBuilder();
        text.Append(kind is null
            ? "| key | `statistics` | `history` | what it does, and when to change it |\n| --- | --- | --- | --- |\n"
            : "| key | default | what it does, and when to change it |\n| --- | --- | --- |\n");
        foreach (var key in keys)
        {
            var defaults = kind is { } one ? [Default(key, one)] : RecipeKinds.All.Select(each => Default(key, each));
            var (what, when) = Texts(key.Property);
            text.Append($"| `{key.Path}` | {string.Join(" | ", defaults)} | {what} *{when}* |\n");
        }

        return text.ToString();
    }

    private string Default(RecipeKey key, RecipeKind kind) => DefaultOf(key, kind) switch
    {
        null => "none",
        JsonArray list => string.Join(", ", list.Select(value => value!.ToJsonString())),
        var value when value.GetValueKind() == JsonValueKind.String => $"`{value}`",
        var value => value.ToJsonString(),
    };

    private JsonNode? DefaultOf(RecipeKey key, RecipeKind kind)
    {
        object? value = _best[kind];
        var type = typeof(Recipe);
        foreach (var part in key.Path.Split('.'))
        {
            var property = RecipeKeys.Level(type).Single(level => level.Key == part).Property;
            (value, type) = (property.GetValue(value), property.PropertyType);
        }

        return value is double number
            ? JsonNode.Parse(number.ToString("0.##########"))
            : JsonSerializer.SerializeToNode(value, SnakeCaseJson.Indented);
    }

    private JsonObject Section(Type type, RecipeKind kind, string prefix)
    {
        JsonObject properties = [];
        foreach (var (key, property) in RecipeKeys.Level(type))
        {
            if (property.GetCustomAttribute<OnlyOfAttribute>() is { } only && only.Kind != kind) continue;
            var (what, when) = Texts(property);
            if (RecipeKeys.IsSection(property.PropertyType))
            {
                var section = Section(property.PropertyType, kind, $"{prefix}{key}.");
                section.Insert(0, "description", what);
                properties[key] = section;
                continue;
            }

            if (property.PropertyType == typeof(RecipeKind))
            {
                properties[key] = KindSchema([kind]);
                continue;
            }

            JsonObject entry = new() { ["description"] = $"{(Group(property) == HistoryOptions.Advanced ? "Advanced. " : "")}{what} {when}" };
            Describe(entry, property);
            if (kind == RecipeKind.History && prefix + key == "model.hidden_dims") entry["maxItems"] = 1;
            if (DefaultOf(RecipeKeys.Find(prefix + key)!, kind) is { } value) entry["default"] = value;
            properties[key] = entry;
        }

        return new() { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }

    private JsonObject KindSchema(IReadOnlyList<RecipeKind> kinds)
    {
        var (what, when) = Texts(typeof(Recipe).GetProperty(nameof(Recipe.Kind))!);
        return new() { ["description"] = $"{what} {when}", ["enum"] = new JsonArray([.. kinds.Select(kind => JsonValue.Create(kind.Text()))]) };
    }

    private static void Describe(JsonObject entry, PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var item = type.IsGenericType ? type.GetGenericArguments()[0] : null;
        entry["type"] = item is null ? Name(type) : "array";
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            entry["minimum"] = Number(range.Minimum);
            entry["maximum"] = Number(range.Maximum);
        }

        if (property.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern) entry["pattern"] = pattern.Pattern;
        if (property.GetCustomAttribute<MinLengthAttribute>() is { } least) entry["minItems"] = least.Length;
        if (property.GetCustomAttribute<MaxLengthAttribute>() is { } most) entry["maxItems"] = most.Length;
        if (item is null) return;
        entry["items"] = property.Name switch
        {
            nameof(ModelOptions.HiddenDims) => new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 65_536 },
            nameof(ModelOptions.Dropout) => new JsonObject { ["type"] = "number", ["minimum"] = 0, ["exclusiveMaximum"] = 1 },
            _ => new JsonObject { ["type"] = "string", ["pattern"] = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" },
        };
        if (item == typeof(string)) entry["uniqueItems"] = true;

        static JsonNode Number(object value) => value is int whole ? JsonValue.Create(whole) : JsonNode.Parse(((double)value).ToString("0.################"))!;

        static string Name(Type type) => Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "boolean",
            TypeCode.Int32 => "integer",
            TypeCode.Double => "number",
            _ => "string",
        };
    }

    private static string? Group(PropertyInfo property) =>
        (property.GetCustomAttribute<CategoryAttribute>() ?? property.DeclaringType!.GetCustomAttribute<CategoryAttribute>())?.Category;

    // The comment's summary and remarks, on one line each.
    private (string What, string When) Texts(PropertyInfo property)
    {
        var member = _comments.XPathSelectElement($"//member[@name='P:{property.DeclaringType!.FullName}.{property.Name}']")
            ?? throw new InvalidOperationException($"{property.Name} has no comment");
        return (Line("summary"), Line("remarks"));

        string Line(string element) => string.Join(' ', (member.Element(element)?.Value ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
