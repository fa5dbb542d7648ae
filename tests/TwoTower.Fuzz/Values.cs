using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TwoTower.Fuzz;

/// <summary>Ids and names that an API knows, so that requests come further than its first check.</summary>
internal sealed record Known(IReadOnlyList<string> Users, IReadOnlyList<string> Videos, IReadOnlyList<string> Versions);

/// <summary>Makes values by their schemas: such that fit, and such that don't.</summary>
internal sealed class Values(Random random, Contract contract, Known known)
{
    private static readonly string[] Odd =
    [
        "", " ", "\0", "\n", "a\u0000b", "\u007f", "\u001b[31m", "\ud800", "\udc00x", "日本語", "🎬🎬", "\u202e", "\ufeff", "é",
        "'; drop table videos; --", "%00", "%s%n", "{}", "[]",
        "null", "true", "-1", "0", "1e999", "NaN", "9223372036854775808", "../../etc/passwd", "${jndi:x}", "<script>", "\\", "\"", "a,b",
        "a&b=c", "2026-13-99", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z", "2026-01-20T18:30:00+25:00", "{5f0c1d2e-0000-4000-8000-000000000001}",
        "5f0c1d2e00004000800000000000000a", " 5f0c1d2e-0000-4000-8000-000000000001",
        "5F0C1D2E-0000-4000-8000-00000000000A", "+f0c1d2e-0000-4000-8000-000000000001", "0x0c1d2e-0000-4000-8000-000000000001",
    ];

    private static readonly string[] Numbers =
        ["-1", "0", "1", "100", "101", "2147483647", "2147483648", "-9223372036854775809", "1.5", "1e3", "1e999", "-0",
            "0.0000000000000000000000000000001", "007"];

    /// <summary>A text that fits the schema of a parameter.</summary>
    public string Fitting(string name, JsonElement schema) => Node(name, schema) switch
    {
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        null => "",
        var other => other.ToJsonString(),
    };

    /// <summary>A text that mostly doesn't.</summary>
    public string Odds() => random.Next(8) switch
    {
        0 => Numbers[random.Next(Numbers.Length)],
        1 => new string((char)random.Next(1, 0x300), random.Next(1, 1_500)),
        2 => new([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => (char)random.Next(0, 0x10000))]),
        _ => Odd[random.Next(Odd.Length)],
    };

    /// <summary>A value that fits.</summary>
    public JsonNode? Node(string name, JsonElement schema)
    {
        schema = contract.Resolve(schema);
        if (schema.TryGetProperty("oneOf", out var choices))
        {
            var choice = choices[random.Next(choices.GetArrayLength())];
            return IsNull(choice) ? null : Node(name, choice);
        }

        if (schema.TryGetProperty("enum", out var allowed))
        {
            return JsonNode.Parse(allowed[random.Next(allowed.GetArrayLength())].GetRawText());
        }
        var types = Types(schema);
        return types[random.Next(types.Count)] switch
        {
            "null" => null,
            "boolean" => random.Next(2) == 0,
            "integer" => random.NextInt64((long)Bound(schema, "minimum", 0), (long)Math.Min(Bound(schema, "maximum", 1_000), 100_000) + 1),
            "number" => Math.Round(random.NextDouble(), random.Next(1, 15)),
            "array" => new JsonArray([.. Enumerable.Range(0, Count(schema)).Select(_ => Node(name, schema.GetProperty("items")))]),
            "object" => Object(schema),
            _ => Text(name, schema),
        };
    }

    /// <summary>Any JSON, of no schema.</summary>
    public JsonNode? Anything(int depth = 0) => random.Next(depth > 3 ? 5 : 7) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => JsonNode.Parse(Numbers[random.Next(Numbers.Length - 1)]),
        3 => JsonValue.Create(Sound(Odds())),
        4 => JsonValue.Create(new Guid(Bytes(16)).ToString()),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Anything(depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(i =>
            KeyValuePair.Create($"{(char)('a' + i)}", Anything(depth + 1)))),
    };

    /// <summary>A document that fits with one member changed, added or left out.</summary>
    public JsonNode? Bent(JsonElement schema)
    {
        if (Node("", schema) is not JsonObject fitting) return Anything();
        var names = fitting.Select(member => member.Key).ToList();
        switch (random.Next(4))
        {
            case 0 when names.Count > 0:
                fitting.Remove(names[random.Next(names.Count)]);
                break;
            case 1:
                fitting[Sound(Odds())] = Anything();
                break;
            default:
                if (names.Count > 0) fitting[names[random.Next(names.Count)]] = Anything();
                break;
        }

        return fitting;
    }

    private JsonObject Object(JsonElement schema)
    {
        var made = new JsonObject();
        if (!schema.TryGetProperty("properties", out var properties)) return made;
        var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(item => item.GetString())
            .ToHashSet() : [];
        foreach (var property in properties.EnumerateObject().Where(property => required.Contains(property.Name) || random.Next(2) == 0))
        {
            made[property.Name] = Node(property.Name, property.Value);
        }

        return made;
    }

    private string Text(string name, JsonElement schema)
    {
        var format = schema.TryGetProperty("format", out var given) ? given.GetString() : null;
        if (format == "uuid")
        {
            var ids = name.Contains("user", StringComparison.OrdinalIgnoreCase) ? known.Users : known.Videos;
            return ids.Count > 0 && random.Next(5) > 0 ? ids[random.Next(ids.Count)] : new Guid(Bytes(16)).ToString();
        }

        if (format == "date-time" || name == "since")
        {
            return DateTimeOffset.UnixEpoch.AddSeconds(random.Next(946_684_800, 1_770_000_000)).ToString("O", CultureInfo.InvariantCulture);
        }
        if (name is "modelVersion" or "a" or "b" && known.Versions.Count > 0 && random.Next(4) > 0)
        {
            return known.Versions[random.Next(known.Versions.Count)];
        }
        return name switch
        {
            "regions" => random.Next(2) == 0 ? "JP" : "US",
            "bannedTags" => random.Next(2) == 0 ? "drama" : $"tag-{random.Next(40):00}",
            _ => $"fuzz-{random.Next(1_000)}",
        };
    }

    private int Count(JsonElement schema) => Math.Min(random.Next(4) == 0 ? random.Next(200) : random.Next(4),
        (int)Bound(schema, "maxItems", 4));

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    // JSON has no half of a surrogate pair; raw bytes bring those.
    private static string Sound(string text) => new([.. text.Select(c => char.IsSurrogate(c) ? '?' : c)]);

    private static double Bound(JsonElement schema, string name, double otherwise) => schema.TryGetProperty(name, out var bound)
        ? bound.GetDouble() : otherwise;

    private static bool IsNull(JsonElement schema) => schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
        && type.GetString() == "null";

    private static List<string> Types(JsonElement schema) => !schema.TryGetProperty("type", out var type) ? ["string"]
        : type.ValueKind == JsonValueKind.String ? [type.GetString()!]
        : [.. type.EnumerateArray().Select(item => item.GetString()!)];
}
