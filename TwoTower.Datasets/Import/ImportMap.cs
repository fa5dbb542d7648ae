using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Says how somebody's files are read: which file and column is what, and which rows are likes and nopes.</summary>
internal sealed class ImportMap
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Who did what with which item, and when.</summary>
    public required InteractionsMap Interactions { get; init; }

    /// <summary>The items; without them, those of the interactions.</summary>
    public ItemsMap? Items { get; init; }

    /// <summary>The users; without them, those of the interactions.</summary>
    public UsersMap? Users { get; init; }

    /// <summary>Reads a map.</summary>
    /// <exception cref="InputException">The file isn't one.</exception>
    public static ImportMap Read(string path)
    {
        if (!File.Exists(path)) throw new InputException($"--map {path}: there is no such file");
        try
        {
            var map = JsonSerializer.Deserialize<ImportMap>(File.ReadAllText(path), Json)
                ?? throw new InputException($"{path} holds null; docs/data.md shows what a map looks like.");
            DecisionRules.Of(map.Interactions, path);
            return map;
        }
        catch (JsonException error)
        {
            throw new InputException($"{path} is no map for an import: {error.Message} docs/data.md shows what a map looks like.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--map {path} can't be read: {error.Message}", error);
        }
    }
}

/// <summary>A file of a map.</summary>
internal abstract class FileMap
{
    /// <summary>Name of the file, in the folder.</summary>
    public required string File { get; init; }

    /// <summary>What separates its columns; its ending says so where this is left out.</summary>
    public char? Separator { get; init; }

    /// <summary>Names of its columns, where it has no header line.</summary>
    public IReadOnlyList<string>? Header { get; init; }

    /// <summary>False: a quote is a character like any other, and no field can have a separator or a line break in it.</summary>
    public bool Quotes { get; init; } = true;
}

/// <summary>The file of interactions.</summary>
internal sealed class InteractionsMap : FileMap
{
    /// <summary>Column of the user.</summary>
    public required string User { get; init; }

    /// <summary>Column of the item.</summary>
    public required string Item { get; init; }

    /// <summary>Column of the time; without one, the order of the file.</summary>
    public string? Time { get; init; }

    /// <summary>Column that says <c>like</c> or <c>nope</c>.</summary>
    public string? Decision { get; init; }

    /// <summary>Which rows are likes, such as <c>rating >= 4</c>: one rule or several, of which one must hold.</summary>
    [JsonConverter(typeof(OneOrMany))]
    public IReadOnlyList<string>? Like { get; init; }

    /// <summary>Which rows are nopes, such as <c>rating &lt;= 2.5</c>.</summary>
    [JsonConverter(typeof(OneOrMany))]
    public IReadOnlyList<string>? Nope { get; init; }
}

/// <summary>The file of items.</summary>
internal sealed class ItemsMap : FileMap
{
    /// <summary>Column of the id.</summary>
    public required string Id { get; init; }

    /// <summary>By column of <c>videos</c>, the column of the file; those that are left out have the same name.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>True where nobody said that <c>product_released_at</c> is in this column: what is no year in it is null, and
    /// told.</summary>
    internal bool AreYearsGuessed { get; init; }

    /// <summary>Column of tags.</summary>
    public string? Tags { get; init; }

    /// <summary>What is between two tags.</summary>
    public string TagSeparator { get; init; } = "|";

    /// <summary>Column of performers.</summary>
    public string? Performers { get; init; }

    /// <summary>What is between two performers.</summary>
    public string PerformerSeparator { get; init; } = "|";
}

/// <summary>The file of users.</summary>
internal sealed class UsersMap : FileMap
{
    /// <summary>Column of the id.</summary>
    public required string Id { get; init; }

    /// <summary>By column of <c>profiles</c> (<c>display_name</c>, <c>created_at</c>), the column of the file; those that are left out have
    /// the same name.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();
}

/// <summary>A text, or a list of texts.</summary>
internal sealed class OneOrMany : JsonConverter<IReadOnlyList<string>>
{
    public override IReadOnlyList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? [reader.GetString()!]
            : JsonSerializer.Deserialize<List<string>>(ref reader, options) ?? [];

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.ToArray(), options);
}
