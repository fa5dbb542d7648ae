using TwoTower.Fuzz;
using TwoTower.ServiceDefaults.Commands;
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
    public async Task A_request_that_is_not_answered_in_time_is_a_finding_and_the_run_goes_on()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db);
        using var run = new FuzzRun(api.Address, null, new() { Requests = 20, Clients = 2, Patience = TimeSpan.Zero });

        var report = await run.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, 20), report.Findings.Select(finding => finding.Number));
        Assert.All(report.Findings, finding => Assert.Equal("no answer within 0 s", finding.Fault));
        Assert.Equal(20, report.Statuses[0]);
    }

    [Theory]
    [InlineData("--requests", "0")]
    [InlineData("--requests", "many")]
    [InlineData("--clients", "1001")]
    [InlineData("--url", "nowhere")]
    public async Task An_option_that_cannot_be_used_is_bad_input(string option, string value) =>
        Assert.Equal(ExitCodes.BadInput, await FuzzCommand.RunAsync([option, value]));

    [Fact]
    public void Values_of_no_schema_come_from_the_seed()
    {
        var contract = Contract.Parse(System.Text.Json.JsonElement.Parse("""{"paths": {}, "components": {"schemas": {}}}"""));
        List<string?> Made() =>
        [
            .. Enumerable.Range(0, 500).Select(
                number => new Values(new Random(number), contract, new([], [], [])).Anything()?.ToJsonString()),
        ];

        var made = Made();
        Assert.Contains(made, value => value is not null && Guid.TryParse(value.Trim('"'), out _));
        Assert.Equal(made, Made());
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
