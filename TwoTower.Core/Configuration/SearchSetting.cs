using System.Text.Json.Nodes;

namespace TwoTower.Core.Configuration;

/// <summary>One key of a recipe that a search sets. Coordinates within 0..1 stand for its values.</summary>
/// <param name="Key">The dotted key: <c>history.ridge</c>.</param>
internal abstract record SearchSetting(string Key)
{
    private static readonly string[] Members = ["values", "min", "max", "scale", "integer"];

    /// <summary>The values that a recipe refuses if it refuses any: all of a list, both ends of a range.</summary>
    public abstract IEnumerable<JsonNode> Extremes { get; }

    /// <summary>The value at a coordinate.</summary>
    /// <param name="coordinate">Within 0..1.</param>
    public abstract JsonNode At(double coordinate);

    /// <summary>The coordinate of a value; null for one that isn't to be tried.</summary>
    public abstract double? Locate(JsonNode? value);

    /// <summary>The setting as a file has it.</summary>
    public abstract JsonObject ToJson();

    /// <summary>Reads one.</summary>
    /// <param name="key">The dotted key.</param>
    /// <param name="json">What the file has for it.</param>
    /// <param name="type">What the recipe has there.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InputException">It makes no sense.</exception>
    internal static SearchSetting Parse(string key, JsonNode? json, Type type, string source)
    {
        if (json is not JsonObject given) throw Wrong($"is {Show(json)}; {{\"min\": …, \"max\": …}} or {{\"values\": […]}} was expected");
        if (given.FirstOrDefault(pair => !Members.Contains(pair.Key)).Key is { } unknown)
        {
            throw Wrong($"has '{unknown}'; known are {string.Join(", ", Members)}");
        }

        if (given.ContainsKey("values"))
        {
            if (given.Count > 1) throw Wrong("has values and a range: give one of them");
            if (given["values"] is not JsonArray list) throw Wrong($"has values {Show(given["values"])}; a list was expected");
            List<JsonNode> values = [.. list.Select(value => value?.DeepClone() ?? throw Wrong("has null among its values"))];
            return values.Select(value => value.ToJsonString()).Distinct().Count() == values.Count && values.Count > 1
                ? new ListSetting(key, values)
                : throw Wrong($"has values {list.ToJsonString()}: give two different ones or more, or set it with --set");
        }

        if (type != typeof(int) && type != typeof(double)) throw Wrong($"takes {RecipeKeys.Describe(type)}, which has no range: give values");
        var (min, max) = (Number("min"), Number("max"));
        var isLog = given["scale"] switch
        {
            null => false,
            var scale when Text(scale) is "linear" => false,
            var scale when Text(scale) is "log" => true,
            var scale => throw Wrong($"has scale {scale.ToJsonString()}; \"linear\" or \"log\" was expected"),
        };
        var isInteger = given["integer"] switch
        {
            null => type == typeof(int),
            JsonValue value when value.TryGetValue<bool>(out var said) => said || type != typeof(int) ? said : throw Wrong("takes a whole number: leave out \"integer\": false"),
            var value => throw Wrong($"has integer {value.ToJsonString()}; true or false was expected"),
        };
        if (min >= max) throw Wrong($"has nothing between min {Show(given["min"])} and max {Show(given["max"])}: min must be below max");
        if (isLog && min <= 0) throw Wrong($"has min {Show(given["min"])}; a range on a log scale begins above 0");
        if (isInteger && (min != Math.Floor(min) || max != Math.Floor(max))) throw Wrong($"takes whole numbers; min is {Show(given["min"])}, max {Show(given["max"])}");
        return new RangeSetting(key, min, max, isLog, isInteger);

        double Number(string name) => given[name] is JsonValue value && value.TryGetValue<double>(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong($"has {name} {Show(given[name])}; a number was expected");

        InputException Wrong(string what) => new($"{source}: {key} {what}.");
    }

    private static string? Text(JsonNode node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string Show(JsonNode? node) => node?.ToJsonString() ?? "nothing";
}

/// <summary>Some values; neighbours in the list are taken for alike.</summary>
/// <param name="Key">The dotted key.</param>
/// <param name="Values">The values, two at least.</param>
internal sealed record ListSetting(string Key, IReadOnlyList<JsonNode> Values) : SearchSetting(Key)
{
    /// <inheritdoc/>
    public override IEnumerable<JsonNode> Extremes => Values.Select(value => value.DeepClone());

    /// <inheritdoc/>
    public override JsonNode At(double coordinate) => Values[Math.Clamp((int)(coordinate * Values.Count), 0, Values.Count - 1)].DeepClone();

    /// <inheritdoc/>
    public override double? Locate(JsonNode? value)
    {
        for (var place = 0; place < Values.Count; place++)
        {
            if (JsonNode.DeepEquals(Values[place], value)) return (place + 0.5) / Values.Count;
        }

        return null;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["values"] = new JsonArray([.. Extremes]) };
}

/// <summary>A range, ends included, tried to four significant digits.</summary>
/// <param name="Key">The dotted key.</param>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value.</param>
/// <param name="IsLog">True: equal ratios are equal distances; false: equal differences are.</param>
/// <param name="IsInteger">True: whole numbers only.</param>
internal sealed record RangeSetting(string Key, double Min, double Max, bool IsLog, bool IsInteger) : SearchSetting(Key)
{
    // A whole number stands for all that rounds to it: the first and the last are as likely as any other.
    private double Margin => IsInteger ? 0.5 : 0;

    private double Low => Scale(Min - Margin);

    private double High => Scale(Max + Margin);

    /// <inheritdoc/>
    public override IEnumerable<JsonNode> Extremes => [ToNode(Min), ToNode(Max)];

    /// <inheritdoc/>
    public override JsonNode At(double coordinate)
    {
        var scaled = Low + (High - Low) * coordinate;
        var value = IsLog ? Math.Exp(scaled) : scaled;
        return ToNode(Math.Clamp(IsInteger ? Math.Round(value) : double.Parse(value.ToString("G4")), Min, Max));
    }

    /// <inheritdoc/>
    public override double? Locate(JsonNode? value) =>
        value is JsonValue number && double.TryParse(number.ToJsonString(), out var at) && at >= Min
            && at <= Max ? (Scale(at) - Low) / (High - Low) : null;

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["min"] = ToNode(Min),
        ["max"] = ToNode(Max),
        ["scale"] = IsLog ? "log" : "linear",
        ["integer"] = IsInteger,
    };

    private double Scale(double value) => IsLog ? Math.Log(value) : value;

    private JsonValue ToNode(double value) => IsInteger ? JsonValue.Create((long)value) : JsonValue.Create(value);
}
