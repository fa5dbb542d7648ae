using System.Text;
using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;
using TwoTower.Torture;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;
using TwoTower.Torture.Scenarios;
using TwoTower.Torture.Servers;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A small run of <c>./twotower torture</c>, and that it would notice.</summary>
public sealed class TortureTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_answer_of_two_replicas_is_right_while_releases_change_and_replicas_are_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM on Windows");
        await using var db = await postgres.CreateDatabaseAsync();
        await using var world = await World.CreateAsync(db.ConnectionString, viewers: 150, videos: 500, seed: 7, default);
        var options = new TortureOptions { Requests = 500, Clients = 8, Changes = 4, Restarts = 1, Seed = 7 };

        var result = await new ChangingReleases(options).RunAsync(world, null, default);

        Assert.Empty(result.Findings);
        Assert.Equal((500, 4, 1, 0), (result.Requests, result.Changes, result.Restarts, result.Wrong));
        Assert.NotNull(result.Retired);
        Assert.True(result.AnswersByRelease.Count > 1);
    }

    [Fact]
    public async Task A_replica_that_takes_connections_and_never_answers_is_a_finding_of_each_client_and_the_run_goes_on()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var client = new HttpClient { BaseAddress = new($"http://{silent.LocalEndpoint}"), Timeout = TimeSpan.FromMilliseconds(200) };
        var (findings, over) = (new Findings(), new CancellationTokenSource());
        using (over)
        {
            var asking = Strains.AskAsync(client, [Guid.Empty], new Random(1), null, new(), findings, "silence", over.Token);
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (findings.Count < 2) await Task.Delay(50, patience.Token);
            await over.CancelAsync();
            Assert.True(await asking >= TimeSpan.FromMilliseconds(150)); // what got no answer counts as well
        }

        Assert.All(findings.First, finding => Assert.StartsWith("silence: no answer", finding, StringComparison.Ordinal));
        findings = new();
        silent.Stop(); // what it took is refused, or cut off
        Strains.Probe(client.BaseAddress!, "/health/live", findings, "silence", new(canceled: true));
        await Strains.BackAsync(client, Guid.Empty, TimeSpan.Zero, findings, "silence", default);
        Assert.Equal(2, findings.Count);
        Assert.StartsWith("silence: /health/live: no answer", findings.First[0], StringComparison.Ordinal);
        Assert.Contains("a user isn't answered", findings.First[1], StringComparison.Ordinal);
    }

    // The times are for a machine with nothing else to do (.github/workflows/strains.yml); what is asked, and answered, isn't.
    [Fact]
    public async Task All_four_strains_are_put_on_a_replica_which_answers_or_sheds_and_comes_back()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGSTOP on Windows");
        using var home = new TemporaryFolder();
        PostgresFixture own;
        try
        {
            own = await PostgresFixture.OwnAsync(home.Path);
        }
        catch (InputException e)
        {
            Assert.Skip(e.Message);
            throw;
        }

        try
        {
            await using var db = await own.CreateDatabaseAsync();
            await using var world = await World.CreateAsync(db.ConnectionString, viewers: 60, videos: 200, seed: 7, default);

            var result = await new Strains(new() { StrainSeconds = 1, Seed = 7 }).RunAsync(world, null, default);

            Assert.Equal(
                ["clients that hang up", "a user of 100,000 decisions", "a slow database", "a stopped database"], result.Strains.Select(strain => strain.Name));
            Assert.Contains(0, result.Strains[0].Statuses.Keys); // hung up
            Assert.Contains(200, result.Strains[1].Statuses.Keys);
            foreach (var strain in result.Strains.Skip(2)) Assert.Contains(503, strain.Statuses.Keys);
            Assert.All(result.Strains, strain => Assert.Subset(new HashSet<int> { 0, 200, 503 }, strain.Statuses.Keys.ToHashSet()));
            Assert.All(result.Findings, finding => Assert.Contains(" took ", finding, StringComparison.Ordinal));
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_answer_that_is_wrong_in_one_place_is_found()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var world = await World.CreateAsync(db.ConnectionString, viewers: 100, videos: 300, seed: 7, default);
        var (one, other) = (await world.ReleaseAsync(16, 1, default), await world.ReleaseAsync(16, 2, default));
        await world.Store.ActivateAsync(one.ModelVersion, "test", null);
        using var oracle = await Oracle.ReadAsync(world, [one, other], default);
        Exchange right;
        await using (var replica = await Replica.StartAsync(db.ConnectionString, default))
        {
            right = await Clients.AskAsync(replica.Client, world.Viewers[0]);
        }

        Assert.Equal(0, Wrong(_ => { }));
        Assert.NotEqual(0, Wrong(answer => answer["modelVersion"] = other.ModelVersion));
        Assert.NotEqual(0, Wrong(answer => answer["modelVersion"] = "no-such-release"));
        Assert.NotEqual(0, Wrong(answer => answer["asOf"] = "2020-01-01T00:00:00Z"));
        Assert.NotEqual(0, Wrong(answer => answer["videos"]![3]!["score"] = answer["videos"]![3]!["score"]!.GetValue<double>() + 1e-4));
        Assert.NotEqual(0, Wrong(answer => answer["videos"]![3]!["videoId"] = answer["videos"]![4]!["videoId"]!.DeepClone()));
        Assert.NotEqual(0, Wrong(answer => answer["videos"]![3]!["videoId"] = world.Tables.Decisions.First(decision => decision.UserId == right.Viewer).VideoId));
        Assert.NotEqual(0, Wrong(answer => answer["videos"]!.AsArray().RemoveAt(9)));
        Assert.NotEqual(0, Wrong(answer =>
        {
            var (first, second) = (answer["videos"]![0]!.DeepClone(), answer["videos"]![1]!.DeepClone());
            (first["rank"], second["rank"]) = (2, 1);
            (answer["videos"]![0], answer["videos"]![1]) = (second, first);
        }));
        Assert.NotEqual(0, Count(right with { Status = 503 }));

        int Wrong(Action<JsonNode> change)
        {
            var answer = JsonNode.Parse(right.Body)!;
            change(answer);
            return Count(right with { Body = Encoding.UTF8.GetBytes(answer.ToJsonString()) });
        }

        int Count(Exchange exchange)
        {
            var findings = new Findings();
            oracle.Check(exchange, findings);
            return findings.Count;
        }
    }

    [Theory]
    [InlineData("--requests", "0")]
    [InlineData("--only", "everything")]
    public async Task An_option_that_cannot_be_used_ends_it_with_exit_code_2(params string[] args) =>
        Assert.Equal(ExitCodes.BadInput, await TortureCommand.RunAsync(args));
}
