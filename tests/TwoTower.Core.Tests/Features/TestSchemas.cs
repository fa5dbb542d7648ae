using System.Text.Json.Nodes;

namespace TwoTower.Core.Tests.Features;

/// <summary>Feature schemas as programs see them that know the first version of the contract.</summary>
internal static class TestSchemas
{
    private static readonly string[] Known = ["name", "size", "features", "type", "range", "smoothing"];

    /// <summary>The schema without line breaks and without the keys that came later.</summary>
    public static string AsOlderReadersSee(string schema)
    {
        var json = JsonNode.Parse(schema)!;
        foreach (var segment in json["segments"]!.AsArray().Select(segment => segment!.AsObject()))
        {
            foreach (var key in segment.Select(property => property.Key).Except(Known).ToList()) segment.Remove(key);
        }

        return json.ToJsonString();
    }
}
