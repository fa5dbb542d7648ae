using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Formats;

/// <summary>
/// How our JSON is spelt outside of the API (which is camelCase, <c>ApiJson</c>) and the payloads (<c>PayloadJson</c>): snake_case, and
/// text readable as it is.
/// </summary>
internal static class SnakeCaseJson
{
    /// <summary>For reading back what we wrote: a value that is missing, or null where it can't be, is an error. One line.</summary>
    public static JsonSerializerOptions Checked { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>As <see cref="Checked"/>, and a key that nobody knows is an error, too: checkpoints, what the registry records.</summary>
    public static JsonSerializerOptions Strict { get; } = new(Checked) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>
    /// The files of a bundle: as <see cref="Checked"/>, indented, LF on every system so that the hashes are the same. Keys of other programs are
    /// left alone.
    /// </summary>
    public static JsonSerializerOptions Bundle { get; } = new(Checked) { WriteIndented = true, NewLine = "\n", Converters = { new BundleTimeConverter() } };

    /// <summary>For people and scripts: recipes, plans of a search, what <c>--json</c> prints.</summary>
    public static JsonSerializerOptions Indented { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
    };
}
