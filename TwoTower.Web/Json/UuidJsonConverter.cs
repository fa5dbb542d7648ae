using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Formats;

namespace TwoTower.Web.Json;

/// <summary>An id, in the form that a path and a query take, too.</summary>
internal sealed class UuidJsonConverter : JsonConverter<Guid>
{
    public override Guid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Uuid.TryParse(reader.GetString()!, out var id)
            ? id
            : throw new JsonException($"{Uuid.Expected} was expected");

    public override void Write(Utf8JsonWriter writer, Guid value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
