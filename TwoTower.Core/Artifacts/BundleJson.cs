using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// How the JSON files of a bundle are spelt: snake_case, indented, LF on every system so that the hashes are the same, UTC times that end
/// in Z. Reading ignores keys of other programs.
/// </summary>
internal static class BundleJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new UtcConverter() },
    };

    public static byte[] Write<T>(T value, JsonSerializerOptions? options = null) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(value, options ?? Options), (byte)'\n'];

    public static T Read<T>(ReadOnlySpan<byte> json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new InputException($"{source} is null; an object was expected.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source} can't be read: {e.Message}", e);
        }
    }

    private sealed class UtcConverter : JsonConverter<DateTimeOffset>
    {
        // Python's isoformat() leaves the offset out when the time is naive; it means UTC.
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String
            && DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? time
                : throw new JsonException("a time such as 2025-10-12T09:30:00Z was expected");

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
    }
}
