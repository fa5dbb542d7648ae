using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace TwoTower.Web.OpenApi;

/// <summary>Examples of JSON bodies; where an operation has no such body, or there is no example, nothing is set.</summary>
internal static class OperationExamples
{
    private const string Json = "application/json";

    /// <summary>Sets that of the request.</summary>
    public static void SetRequestExample(this OpenApiOperation operation, JsonNode? example)
    {
        if (example is not null && operation.RequestBody?.Content?.TryGetValue(Json, out var body) == true) body.Example = example;
    }

    /// <summary>Sets that of the answer with one status.</summary>
    public static void SetAnswerExample(this OpenApiOperation operation, string status, JsonNode? example)
    {
        if (example is not null && operation.Responses?.TryGetValue(status, out var response) == true
            && response.Content?.TryGetValue(Json, out var body) == true)
        {
            body.Example = example;
        }
    }
}
