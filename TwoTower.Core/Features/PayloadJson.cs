using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Features;

/// <summary>JSON of the payloads: snake_case, times as ISO instants in UTC, lists never null.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(MicrosecondsConverter), typeof(StringListConverter)])]
[JsonSerializable(typeof(UserPayload))]
[JsonSerializable(typeof(ItemPayload))]
[JsonSerializable(typeof(ItemPayload[]))]
internal sealed partial class PayloadJson : JsonSerializerContext
{
    /// <summary>
    /// A context that keeps one copy of each tag and performer for all payloads read through it: six million strings of a million
    /// decisions are a few thousand different ones.
    /// </summary>
    public static PayloadJson WithSharedStrings() => new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        Converters = { new MicrosecondsConverter(), new StringListConverter(new HashSet<string>(StringComparer.Ordinal)) },
    });
}

/// <summary>A list of strings; null is the empty list and null entries are left out, as SQL aggregates may bring them.</summary>
internal sealed class StringListConverter(HashSet<string>? pool) : JsonConverter<IReadOnlyList<string>>
{
    public StringListConverter() : this(null) { }

    public override bool HandleNull => true;

    public override IReadOnlyList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null) return [];
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("a list of strings was expected");
        var list = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.Null) continue;
            if (reader.TokenType != JsonTokenType.String) throw new JsonException("a list of strings was expected");
            list.Add(pool is null ? reader.GetString()! : Shared(ref reader, pool));
        }

        return list.Count == 0 ? [] : list.ToArray();
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var text in value) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    private static string Shared(ref Utf8JsonReader reader, HashSet<string> pool)
    {
        if (reader.HasValueSequence || reader.ValueSpan.Length > 256) return reader.GetString()!;
        Span<char> buffer = stackalloc char[256];
        var text = buffer[..reader.CopyString(buffer)];
        var lookup = pool.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(text, out var known)) return known;
        var added = text.ToString();
        pool.Add(added);
        return added;
    }
}
