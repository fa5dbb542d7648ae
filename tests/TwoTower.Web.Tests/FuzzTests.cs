using TwoTower.Fuzz;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A short run of what <c>./twotower fuzz</c> does at length.</summary>
public sealed class FuzzTests(PostgresFixture postgres)
{
    private const string Key = "an-operators-key-of-a-test";

    [Fact]
    public async Task Three_hundred_requests_that_fit_nearly_fit_and_do_not_fit_are_answered_as_the_document_says()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:OperatorKey"] = Key });
        using var run = new FuzzRun(api.Address, Key, new() { Requests = 300, Clients = 4, Seed = 7, Slow = null });

        var report = await run.RunAsync(TestContext.Current.CancellationToken);

        Assert.True(report.Findings.Count == 0, string.Join('\n',
            report.Findings.Select(finding => $"{finding.Number}: {finding.Request}\n  {finding.Fault}")));
        Assert.Equal(300, report.Statuses.Values.Sum());
        Assert.True(report.Statuses[200] > 30 && report.Statuses[400] > 30, string.Join(", ", report.Statuses));
    }

    [Fact]
    public void The_same_seed_and_number_make_the_same_request_and_another_seed_another()
    {
        var contract = Contract.Parse(System.Text.Json.JsonElement.Parse(
            """
            {
              "paths": {"/a/{id}": {"post": {
                "operationId": "a",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}},
                "responses": {"200": {}}}}},
              "components": {"schemas": {
                "B": {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": ["null", "string"]}}}}}
            }
            """));
        List<string> Shown(int seed) => [.. Enumerable.Range(0, 50)
            .Select(number => new RequestMaker(contract, new([], [], []), null, seed).Make(number).Show())];

        Assert.Equal(Shown(1), Shown(1));
        Assert.NotEqual(Shown(1), Shown(2));
    }
}
