using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using TwoTower.Fuzz;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The OpenAPI document against itself, against the API, and against what others check documents with.</summary>
public sealed class DocumentIsTrueTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "an-operators-key-of-a-test", Unknown = "00000000-0000-4000-8000-00000000beef";

    private TestDatabase _db = null!;
    private ApiHost _api = null!;
    private JsonElement _document;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:OperatorKey"] = Key });
        _document = await _api.GetAsync("/openapi/v1.json");
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _db.DisposeAsync();
    }

    private IEnumerable<(string Id, JsonElement Operation)> Operations() =>
        from path in _document.GetProperty("paths").EnumerateObject()
        from method in path.Value.EnumerateObject()
        select (method.Value.GetProperty("operationId").GetString()!, method.Value);

    [Fact]
    public void Every_example_is_valid_by_its_schema_and_every_JSON_body_has_one()
    {
        var contract = Contract.Parse(_document);
        var checks = 0;
        foreach (var (id, operation) in Operations())
        {
            var contents = operation.GetProperty("responses").EnumerateObject().Where(answer => answer.Name.StartsWith('2'))
                .SelectMany(answer => answer.Value.GetProperty("content").EnumerateObject());
            if (operation.TryGetProperty("requestBody", out var body))
            {
                contents = contents.Concat(body.GetProperty("content").EnumerateObject());
            }
            foreach (var content in contents.Where(content => content.Name == "application/json"))
            {
                Assert.True(content.Value.TryGetProperty("example", out var example), $"{id} has a body without an example");
                Assert.Equal((id, null), (id, contract.Explain(content.Value.GetProperty("schema"), example)));
                checks++;
            }

            foreach (var parameter in operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : default)
            {
                if (!parameter.TryGetProperty("example", out var example))
                {
                    Assert.False(parameter.TryGetProperty("required", out var required) && required.GetBoolean(),
                        $"{id}: {parameter} has no example");
                    continue;
                }

                Assert.Equal((id, null), (id, contract.Explain(parameter.GetProperty("schema"), example)));
                checks++;
            }
        }

        Assert.True(checks > 40, $"{checks}");
    }

    [Fact]
    public async Task What_every_request_is_held_to_is_in_the_document_of_every_operation()
    {
        var key = new AuthenticationHeaderValue("Bearer", Key);
        var asked = 0;
        foreach (var path in _document.GetProperty("paths").EnumerateObject())
        {
            foreach (var method in path.Value.EnumerateObject())
            {
                var id = method.Value.GetProperty("operationId").GetString();
                var declared = method.Value.GetProperty("responses").EnumerateObject().Select(answer => int.Parse(answer.Name, null)).ToHashSet();
                foreach (var (size, type) in new[] { (2, "application/json; charset=utf-16"), (2, "text/plain"), (2, "?"), (100_000, "application/json") })
                {
                    if (id == "importRelease" && size > 2) continue; // bundles are large
                    using var request = new HttpRequestMessage(
                        new(method.Name.ToUpperInvariant()), string.Concat(path.Name.Split('/').Select(part => part is "{userId}" or "{videoId}" ? Unknown : part.Trim('{', '}'))
                            .SelectMany(part => new[] { "/", part }).Skip(1)));
                    request.Headers.Authorization = key;
                    request.Content = new ByteArrayContent(Enumerable.Repeat((byte)'1', size).ToArray());
                    request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
                    using var answer = await _api.Client.SendAsync(request);
                    var status = (int)answer.StatusCode;
                    Assert.True(declared.Contains(status), $"{id} answered {status} to {size} bytes of '{type}', which isn't in its document");
                    if (size > 2) Assert.Equal((id, 413), (id, status));
                    if (type.Contains("utf-16", StringComparison.Ordinal)) Assert.Equal((id, 415), (id, status));
                    asked++;
                }
            }
        }

        Assert.True(asked > 60, $"{asked}");
    }

    [Fact]
    public void Every_value_has_a_type_and_times_ids_and_choices_say_what_they_are()
    {
        foreach (var schema in _document.GetProperty("components").GetProperty("schemas").EnumerateObject())
        {
            Assert.True(schema.Value.TryGetProperty("type", out _), schema.Name);
            foreach (var property in schema.Value.TryGetProperty("properties", out var properties) ? properties.EnumerateObject() : default)
            {
                var name = $"{schema.Name}.{property.Name}";
                Assert.True(property.Value.TryGetProperty("type", out var type) || property.Value.TryGetProperty("$ref", out _)
                    || property.Value.TryGetProperty("oneOf", out _), name);
                if (property.Value.TryGetProperty("items", out var items))
                {
                    Assert.True(items.TryGetProperty("type", out _) || items.TryGetProperty("$ref", out _), name);
                }
                else Assert.False(type.ValueKind != JsonValueKind.Undefined && type.GetRawText()
                    .Contains("array", StringComparison.Ordinal), $"{name} is a list of what?");
            }
        }

        AssertProperty("RecommendationsResponse", "strategy", """{"enum":["two_tower","popular_and_fresh","similar"],"type":"string"}""");
        AssertProperty("RecommendationsResponse", "modelVersion", """{"type":["null","string"]}""");
        AssertProperty("RecommendationsResponse", "asOf", """{"type":"string","format":"date-time"}""");
        AssertProperty("RecommendedVideoResponse", "releasedAt", """{"type":["null","string"],"format":"date-time"}""");
        AssertProperty("RecommendedVideoResponse", "videoId", """{"type":"string","format":"uuid"}""");
        AssertProperty("DecisionRequest", "decision", """{"enum":["like","nope"],"type":"string"}""");
        AssertProperty("DecisionRequest", "decidedAt", """{"type":["null","string"],"format":"date-time"}""");
        AssertProperty("ReasonResponse", "kind", """{"enum":["tag","performer"],"type":"string"}""");
        AssertProperty("ReleaseResponse", "state",
            """{"enum":["trained","embedding","ready","active","retired","failed"],"type":"string"}""");
        AssertProperty("Experiment", "stoppedAt", """{"type":["null","string"],"format":"date-time"}""");
        AssertProperty("PruneRequest", "keep", """{"maximum":1000,"minimum":1,"type":"integer","format":"int32","default":3}""");
    }

    private void AssertProperty(string schema, string property, string expected)
    {
        var found = _document.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties")
            .GetProperty(property);
        var wanted = JsonElement.Parse(expected);
        foreach (var member in wanted.EnumerateObject())
        {
            Assert.Equal($"{schema}.{property}.{member.Name} {member.Value.GetRawText()}",
                $"{schema}.{property}.{member.Name} {Compact(found.GetProperty(member.Name))}");
        }
    }

    private static string Compact(JsonElement value) => JsonSerializer.Serialize(value);

    [Fact]
    public void Every_status_that_an_operation_can_answer_is_there()
    {
        foreach (var (id, operation) in Operations())
        {
            var statuses = operation.GetProperty("responses").EnumerateObject().Select(answer => answer.Name).ToHashSet();
            string[] wanted = ["400", "414", "431", "500", "503"];
            if (operation.TryGetProperty("requestBody", out _)) wanted = [.. wanted, "408", "413", "415"];
            if (operation.GetProperty("security").GetArrayLength() > 0) wanted = [.. wanted, "401"];
            Assert.True(statuses.IsSupersetOf(wanted), $"{id} lacks {string.Join(", ", wanted.Except(statuses))}");
            Assert.All(operation.GetProperty("responses").EnumerateObject().Where(answer => answer.Name[0] is '4' or '5'), answer =>
                Assert.Equal("#/components/schemas/ProblemDetails", answer.Value.GetProperty("content")
                    .GetProperty("application/problem+json").GetProperty("schema").GetProperty("$ref").GetString()));
        }
    }

    [Theory]
    [InlineData("/v1/releases/prune", """{"dryRun": true}""", 200)]
    [InlineData("/v1/releases/prune", "{}", 200)]
    [InlineData("/v1/releases/rollback", null, 409)]
    [InlineData("/v1/releases/rollback", "{}", 409)]
    [InlineData("/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations", "{}", 200)]
    [InlineData("/v1/users/5f0c1d2e-0000-4000-8000-000000000001/recommendations", null, 200)]
    public async Task What_the_document_does_not_require_may_be_left_out(string path, string? body, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post,
            path)
        { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Key) } };
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        await ApiHost.ReadAsync(await _api.Client.SendAsync(request), status);
    }

    [Theory]
    [InlineData("spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "warn")]
    [InlineData("redocly", "lint", "--config", "redocly.yaml")]
    public async Task Checkers_of_documents_find_nothing(string program, string verb, string option, string rules, params string[] more)
    {
        var (tools, reason) = await NpmTools.InstallAsync("openapi");
        Assert.SkipWhen(tools is null, reason);
        using var folder = new TemporaryFolder();
        var document = Path.Combine(folder.Path, "v1.json");
        await File.WriteAllTextAsync(document, _document.GetRawText(), TestContext.Current.CancellationToken);

        var (code, output) = await tools.RunAsync(program, [verb, document, option,
            Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "openapi", rules), .. more]);

        Assert.True(code == 0, output);

        // And they would find something.
        await File.WriteAllTextAsync(document, _document.GetRawText().Replace("\"operationId\"", "\"operationIdea\"",
            StringComparison.Ordinal), TestContext.Current.CancellationToken);
        (code, output) = await tools.RunAsync(program, [verb, document, option,
        Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "openapi", rules), .. more]);
        Assert.True(code != 0 && output.Contains("operation-operationId", StringComparison.Ordinal) | output.Contains("operationIdea",
            StringComparison.Ordinal), output);
    }
}
