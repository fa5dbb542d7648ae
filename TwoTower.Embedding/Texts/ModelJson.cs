using System.Text.Json;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>A JSON file of a model's folder, read with errors that name the file.</summary>
internal sealed class ModelJson
{
    private readonly JsonElement _root;

    private ModelJson(string path, JsonElement root) => (Path, _root) = (path, root);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The whole document.</summary>
    public JsonElement Root => _root;

    /// <summary>Reads a file, or returns null where there is none.</summary>
    /// <exception cref="InputException">It is no JSON object.</exception>
    public static ModelJson? ReadIfThere(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new(path, document.RootElement.Clone())
                : throw new InputException($"{path} holds no JSON object: export the model again");
        }
        catch (JsonException error)
        {
            throw new InputException($"{path} isn't JSON in UTF-8: {error.Message} Export the model again", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>A member, or null where it is missing or null.</summary>
    public JsonElement? Get(params ReadOnlySpan<string> path) => Get(_root, path);

    /// <summary>A member of an object, or null where it is missing or null.</summary>
    public static JsonElement? Get(JsonElement of, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (of.ValueKind != JsonValueKind.Object || !of.TryGetProperty(name, out of)) return null;
        }

        return of.ValueKind == JsonValueKind.Null ? null : of;
    }

    /// <summary>A text, or null; a token may be an object with its <c>content</c>.</summary>
    public string? Text(params ReadOnlySpan<string> path) => Get(path) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Object } token when Get(token, "content") is { ValueKind: JsonValueKind.String } content => content.GetString(),
        _ => null,
    };

    /// <summary>A truth value, or null.</summary>
    public bool? Flag(params ReadOnlySpan<string> path) => Get(path)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>A length; null where it is missing or so large that it says nothing (1e30).</summary>
    public int? Length(params ReadOnlySpan<string> path) =>
        Get(path) is { ValueKind: JsonValueKind.Number } number && number.GetDouble() is >= 1 and <= 1_000_000 and var value
            ? (int)value
            : null;
}
