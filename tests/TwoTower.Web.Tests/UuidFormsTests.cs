using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using TwoTower.Fuzz;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>An id has one form, wherever an operation takes one: as the document says where.</summary>
public sealed class UuidFormsTests(PostgresFixture postgres)
{
    private const string Id = "5f0c1d2e-0000-4000-8000-00000000000a", Key = "an-operators-key-of-a-test";

    private static readonly string[] Refused =
    [
        "{5f0c1d2e-0000-4000-8000-00000000000a}", "(5f0c1d2e-0000-4000-8000-00000000000a)", "5f0c1d2e00004000800000000000000a",
        " 5f0c1d2e-0000-4000-8000-00000000000a",
        "5f0c1d2e-0000-4000-8000-00000000000a ", "+f0c1d2e-0000-4000-8000-00000000000a", "0xf0c1d2-0000-4000-8000-00000000000a",
        "5f0c1d2e-0000-4000-8000-00000000000g",
        "5f0c1d2e-0000-4000-8000-00000000000", "5f0c1d2e-00004-000-8000-00000000000a", "urn:uuid:5f0c1d2e-0000-4000-8000-00000000000a", "",
        "{0x5f0c1d2e,0x0000,0x4000,{0x80,0x00,0x00,0x00,0x00,0x00,0x00,0x0a}}",
    ];

    [Fact]
    public async Task Every_id_of_every_operation_is_taken_in_either_case_and_refused_in_any_other_form()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:OperatorKey"] = Key });
        var contract = Contract.Parse(await api.GetAsync("/openapi/v1.json"));
        var places = contract.Operations.SelectMany(operation => Places(contract, operation)).ToList();
        Assert.Equal(
            ["getRecommendations excludeVideoIds", "getRecommendations userId", "getSimilarVideos excludeVideoIds",
                "getSimilarVideos videoId", "postDecision userId", "postDecision videoId",
                "postRecommendations excludeVideoIds", "postRecommendations userId", "postSimilarVideos excludeVideoIds",
                "postSimilarVideos videoId"],
            places.Select(place => $"{place.Operation.Id} {place.Name}").Order());

        foreach (var (operation, name, inBody) in places)
        {
            foreach (var taken in new[] { Id, Id.ToUpperInvariant() })
            {
                // There is neither a release nor such a video.
                using var answer = await SendAsync(api, operation, name, inBody, taken);
                Assert.True((int)answer.StatusCode is 200 or 404 or 503,
                    $"{operation.Id} {name} '{taken}': {await answer.Content.ReadAsStringAsync()}");
            }

            foreach (var refused in Refused.Where(form => form.Length > 0 || inBody))
            {
                using var answer = await SendAsync(api, operation, name, inBody, refused);
                var problem = await ApiHost.ReadAsync(answer, 400);
                Assert.Equal((operation.Id, name, refused, "urn:twotower:problem:unreadable-request"),
                    (operation.Id, name, refused, problem.GetProperty("type").GetString()));
                Assert.Contains("isn't a UUID such as 00000000-0000-0000-0000-000000000001.", problem.GetProperty("detail").GetString(),
                    StringComparison.Ordinal);
                Assert.StartsWith(name, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            }
        }
    }

    private static IEnumerable<(Operation Operation, string Name, bool InBody)> Places(Contract contract, Operation operation)
    {
        foreach (var parameter in operation.Parameters.Where(parameter => IsId(parameter.Schema)))
        {
            yield return (operation, parameter.Name, false);
        }
        if (operation.Body is not { MediaType: "application/json" } body) yield break;
        var schema = contract.Resolve(body.Schema);
        if (schema.TryGetProperty("oneOf", out var choices)) schema = contract.Resolve(choices.EnumerateArray().Last());
        foreach (var property in schema.GetProperty("properties").EnumerateObject().Where(property => IsId(property.Value)))
        {
            yield return (operation, property.Name, true);
        }
    }

    private static bool IsId(JsonElement schema) =>
        schema.TryGetProperty("format", out var format) && format.ValueEquals("uuid") || schema.TryGetProperty("items", out var items)
            && IsId(items);

    private static async Task<HttpResponseMessage> SendAsync(ApiHost api, Operation operation, string name, bool inBody, string id)
    {
        string Value(string of) => of == name && !inBody ? Uri.EscapeDataString(id) : Id;
        var path = operation.Path.Replace("{userId}", Value("userId"), StringComparison.Ordinal)
            .Replace("{videoId}", Value("videoId"), StringComparison.Ordinal);
        if (name == "excludeVideoIds" && !inBody) path += $"?excludeVideoIds={Value(name)}";
        using var request = new HttpRequestMessage(new(operation.Method),
            path)
        { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Key) } };
        if (operation.Body is not null)
        {
            Dictionary<string, object> body = operation.Id == "postDecision"
                ? new() { ["userId"] = Id, ["videoId"] = Id, ["decision"] = "like" } : [];
            if (inBody) body[name] = name == "excludeVideoIds" ? new[] { id } : id;
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        }

        return await api.Client.SendAsync(request);
    }
}
