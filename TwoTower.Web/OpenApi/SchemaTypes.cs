using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using TwoTower.Web.Problems;

namespace TwoTower.Web.OpenApi;

/// <summary>
/// Completes what the exporter can't see: types that converters of our own read and write (texts, ids, times), which of them may be null,
/// the values that a text may have, and the members of a problem.
/// </summary>
internal sealed class SchemaTypes : IOpenApiSchemaTransformer
{
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (Scalar(type) is { } scalar)
        {
            schema.Type = scalar.Type | (MayBeNull(context.JsonPropertyInfo, type) ? JsonSchemaType.Null : 0);
            schema.Format = scalar.Format;
        }
        else if (schema.Type?.HasFlag(JsonSchemaType.Array) == true && schema.Items is null && Element(type) is { } element)
        {
            schema.Items = new OpenApiSchema { Type = element.Type, Format = element.Format };
        }

        if (type == typeof(ProblemDetails)) Describe(schema);

        // The one that there is: an activation's numbers.
        if ((Nullable.GetUnderlyingType(type) ?? type) == typeof(JsonElement)) schema.Type = JsonSchemaType.Object;
        if (context.JsonPropertyInfo is { Name: "actor", DeclaringType.Name: var of } && of.EndsWith("Request", StringComparison.Ordinal))
        {
            schema.Deprecated = true;
        }
        if (Values(context) is { } values)
        {
            schema.Enum = [.. values.Select(value => (JsonNode)JsonValue.Create(value))];
            if (schema.Type?.HasFlag(JsonSchemaType.Null) == true) schema.Enum.Add(JsonNullSentinel.JsonNull);
        }

        return Task.CompletedTask;
    }

    private static (JsonSchemaType Type, string? Format)? Scalar(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => (JsonSchemaType.String, null),
        var t when t == typeof(Guid) => (JsonSchemaType.String, "uuid"),
        var t when t == typeof(DateTimeOffset) => (JsonSchemaType.String, "date-time"),
        _ => null,
    };

    private static (JsonSchemaType Type, string? Format)? Element(Type type) =>
        (type.IsArray ? type.GetElementType() : type.GenericTypeArguments.FirstOrDefault()) is { } element ? Scalar(element) : null;

    // A parameter that is left out isn't null.
    private static bool MayBeNull(JsonPropertyInfo? property, Type type) =>
        property is not null
        && (Nullable.GetUnderlyingType(type) is not null || property.PropertyType == typeof(string) && property.IsGetNullable);

    private static IEnumerable<string>? Values(OpenApiSchemaTransformerContext context) =>
        context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(AllowedValuesAttribute), inherit: false)
            .OfType<AllowedValuesAttribute>().FirstOrDefault()?.Values.Cast<string>();

    private static void Describe(OpenApiSchema schema)
    {
        var text = () => new OpenApiSchema { Type = JsonSchemaType.String };
        schema.Description = "What went wrong (RFC 9457).";
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "Which problem it is; docs/api.md lists them.",
                Enum = [.. ProblemKind.Types.Order(StringComparer.Ordinal).Select(name => (JsonNode)JsonValue.Create(name))],
            },
            ["title"] = text(),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "400", Maximum = "599" },
            ["detail"] = text(),
            ["traceId"] = text(),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "By the name of a parameter or a field, what is wrong with it.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = text() },
            },
        };
        schema.Required = new HashSet<string> { "type", "title", "status", "traceId" };
        schema.AdditionalPropertiesAllowed = false;
    }
}
