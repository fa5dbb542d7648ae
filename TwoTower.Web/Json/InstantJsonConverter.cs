using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Formats;

namespace TwoTower.Web.Json;

/// <summary>A time: ISO 8601; one without an offset is UTC, whatever this machine's time zone.</summary>
internal sealed class InstantJsonConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Instant.TryParse(reader.GetString()!, out var instant)
            ? instant
            : throw new JsonException("a time such as 2026-01-20T18:30:00Z was expected");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime);
}
