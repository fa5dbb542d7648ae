using System.Text.Json;
using Json.Schema;

namespace TwoTower.Fuzz;

/// <summary>What the OpenAPI document of an API says: its operations, and the schema of each answer.</summary>
internal sealed class Contract
{
    private readonly JsonElement _document;
    private readonly Dictionary<string, JsonSchema> _schemas = [];
    private readonly string _definitions;

    private Contract(JsonElement document)
    {
        _document = document;
        _definitions = document.GetProperty("components").GetProperty("schemas").GetRawText()
            .Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal);
        Operations =
        [
            .. from path in document.GetProperty("paths").EnumerateObject()
               from method in path.Value.EnumerateObject()
               select new Operation(this, path.Name, method.Name.ToUpperInvariant(), method.Value),
        ];
    }

    /// <summary>All operations, in the order of the document.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>Reads a document.</summary>
    public static Contract Parse(JsonElement document) => new(document);

    /// <summary>A schema with its reference followed.</summary>
    public JsonElement Resolve(JsonElement schema)
    {
        while (schema.TryGetProperty("$ref", out var reference))
        {
            var name = reference.GetString()!.Split('/')[^1];
            schema = _document.GetProperty("components").GetProperty("schemas").GetProperty(name);
        }

        return schema;
    }

    /// <summary>What is wrong with a value by a schema of the document; null: nothing.</summary>
    public string? Explain(JsonElement schema, JsonElement value)
    {
        var compiled = Compile(schema);
        if (compiled.Evaluate(value, new() { OutputFormat = OutputFormat.Flag, RequireFormatValidation = true }).IsValid) return null;
        var details = compiled.Evaluate(value, new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true }).Details ?? [];
        var faults = details.Where(detail => !detail.IsValid)
            .SelectMany(detail => detail.Errors?.Select(error =>
                $"{detail.InstanceLocation}: {error.Value}") ?? [$"{detail.InstanceLocation} by {detail.EvaluationPath}"]);
        return string.Join("; ", faults.Distinct().OrderByDescending(fault => fault.Length).Take(5));
    }

    private JsonSchema Compile(JsonElement schema)
    {
        var text = schema.GetRawText().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal);
        lock (_schemas)
        {
            if (_schemas.TryGetValue(text, out var compiled)) return compiled;
            compiled = JsonSchema.FromText($$"""{"allOf": [{{text}}], "$defs": {{_definitions}}}""",
                new BuildOptions { SchemaRegistry = new() });
            _schemas.Add(text, compiled);
            return compiled;
        }
    }
}

/// <summary>One operation of the document.</summary>
internal sealed class Operation(Contract contract, string path, string method, JsonElement description)
{
    public string Path { get; } = path;

    public string Method { get; } = method;

    public string Id { get; } = description.GetProperty("operationId").GetString()!;

    /// <summary>True for an operators' path.</summary>
    public bool NeedsKey { get; } = description.TryGetProperty("security", out var security) && security.GetArrayLength() > 0;

    public IReadOnlyList<Parameter> Parameters { get; } = description.TryGetProperty("parameters", out var parameters)
        ? [.. parameters.EnumerateArray().Select(parameter => new Parameter(
            parameter.GetProperty("name").GetString()!, parameter.GetProperty("in").GetString() == "path",
            parameter.TryGetProperty("required", out var required) && required.GetBoolean(),
                contract.Resolve(parameter.GetProperty("schema"))))]
        : [];

    /// <summary>The media type and the schema of the body; null: it takes none.</summary>
    public (string MediaType, JsonElement Schema)? Body { get; } = description.TryGetProperty("requestBody", out var body)
        ? body.GetProperty("content").EnumerateObject().Select(content =>
            ((string, JsonElement)?)(content.Name, content.Value.GetProperty("schema"))).First()
        : null;

    /// <summary>The answers by their status.</summary>
    public IReadOnlyDictionary<int, JsonElement> Answers { get; } = description.GetProperty("responses").EnumerateObject()
        .ToDictionary(answer => int.Parse(answer.Name, System.Globalization.CultureInfo.InvariantCulture), answer => answer.Value);

    /// <summary>What is wrong with an answer by the document; null: nothing.</summary>
    public string? Explain(int status, string? mediaType, ReadOnlyMemory<byte> body)
    {
        if (!Answers.TryGetValue(status, out var answer)) return $"status {status} isn't in the document";
        if (!answer.TryGetProperty("content", out var contents)) return body.IsEmpty ? null : "the document knows no body";
        if (mediaType is null || !contents.TryGetProperty(mediaType, out var content))
        {
            return $"media type '{mediaType}' isn't in the document for {status}";
        }
        if (!mediaType.EndsWith("json", StringComparison.Ordinal)) return null;
        try
        {
            using var json = JsonDocument.Parse(body);
            return contract.Explain(content.GetProperty("schema"), json.RootElement) is { } fault
                ? $"the body isn't as its schema says: {fault}" : null;
        }
        catch (JsonException e)
        {
            return $"the body isn't JSON: {e.Message}";
        }
    }
}

/// <summary>A parameter of an operation.</summary>
internal sealed record Parameter(string Name, bool InPath, bool Required, JsonElement Schema);
