using System.Diagnostics;
using TwoTower.Cli.Output;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>PostgreSQL is stopped and started under load: 503 with Retry-After while it is away, none for what is asked once it is back,
/// and no decision lost.</summary>
internal sealed class DatabaseRestarts(TortureOptions options, OwnPostgres postgres)
{
    private const int Enough = 100;

    public async Task<DatabaseRestartsResult> RunAsync(World world, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        var release = await world.ReleaseAsync(64, options.Seed, ct);
        using var oracle = await Oracle.ReadAsync(world, [release], ct);
        await world.Store.ActivateAsync(release.ModelVersion, "torture", null, ct);
        await using var replicas = await Replicas.StartAsync(world.ConnectionString, options.Replicas, ct);

        var (findings, away, right, total) = (new Findings(), 0, 0, 0);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var decider = new Decider(replicas, world, options.Seed);
        var deciding = decider.RunAsync(findings, done.Token);
        for (var restart = 1; restart <= options.DatabaseRestarts; restart++)
        {
            progress?.Report(new(restart - 1, options.DatabaseRestarts));
            using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var clients = new Clients(replicas, world.Viewers, options.Clients, options.Seed + restart);
            var load = clients.RunAsync(int.MaxValue, over.Token);
            await AnsweredAsync(clients, 200, ct);
            await postgres.StopAsync(ct);
            await AnsweredAsync(clients, 503, ct);
            await postgres.StartAsync(ct);
            world.Db.Clear(); // this process's own connections; the replicas' are theirs to see to
            var back = Stopwatch.GetTimestamp();
            await AnsweredAsync(clients, 200, ct);
            await over.CancelAsync();
            await load;

            foreach (var exchange in clients.Exchanges)
            {
                total++;
                if (exchange is { Status: 503, IsProblem: true } && exchange.Asked < back) away++;
                else if (oracle.Check(exchange, findings) is not null) right++;
            }
        }

        await done.CancelAsync();
        await deciding;
        var lost = await decider.LostAsync(ct);
        findings.AddIf(lost > 0, $"{lost} acknowledged decisions are lost");
        return new(options.DatabaseRestarts, total, right, away, decider.Acknowledged, lost, findings.Count, findings.First);
    }

    // So many more of a kind from now on.
    private static async Task AnsweredAsync(Clients clients, int status, CancellationToken ct)
    {
        var before = clients.Exchanges.Count;
        while (clients.Exchanges.Skip(before).Count(exchange => exchange.Status == status) < Enough) await Task.Delay(20, ct);
    }
}

/// <summary>What came of it.</summary>
internal sealed record DatabaseRestartsResult(
    int Restarts, int Requests, int Right, int Unavailable, int DecisionsAcknowledged, long DecisionsLost, int Wrong,
    IReadOnlyList<string> Findings);
