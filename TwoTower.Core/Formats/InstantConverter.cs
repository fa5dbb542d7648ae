using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Formats;

/// <summary>
/// A time in JSON, as <see cref="InstantText"/> reads it: any ISO 8601 or Postgres text; one without an offset is UTC, whatever this machine's
/// time zone. Written in UTC and no longer than it needs to be.
/// </summary>
internal class InstantConverter : JsonConverter<DateTimeOffset>
{
    public sealed override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString()!, out var instant)
            ? instant
            : throw new JsonException("a time such as 2026-01-20T18:30:00Z was expected");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime);

    protected virtual bool TryParse(string text, out DateTimeOffset instant) => InstantText.TryParse(text, out instant);
}

/// <summary>The same, written with six decimals: payloads and probes, which SQL and other programs compare as text.</summary>
internal sealed class MicrosecondsConverter : InstantConverter
{
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(InstantText.Format(value));
}

/// <summary>The same for the files of bundles: whatever .NET reads, and to its 100 ns, so that a file that is read and written stays what
/// it was.</summary>
internal sealed class BundleTimeConverter : InstantConverter
{
    protected override bool TryParse(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant);
}
