using System.Text.Json;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Artifacts;

/// <summary>Reads and writes the JSON files of a bundle, as <see cref="SnakeCaseJson.Bundle"/> spells them.</summary>
internal static class BundleJson
{
    public static byte[] Write<T>(T value) => [.. JsonSerializer.SerializeToUtf8Bytes(value, SnakeCaseJson.Bundle), (byte)'\n'];

    public static T Read<T>(ReadOnlySpan<byte> json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, SnakeCaseJson.Bundle)
                ?? throw new InputException($"{source} is null; an object was expected.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source} can't be read: {e.Message}", e);
        }
    }
}
