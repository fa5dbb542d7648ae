using TwoTower.Cli.Output;
using TwoTower.Postgres.Releases;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>Releases of 64, 128 and 256 numbers side by side, forth and back: whichever is active answers, on every replica, from the next
/// request on.</summary>
internal sealed class Dimensions(TortureOptions options)
{
    private static readonly int[] Dims = [64, 128, 256];
    private const int Rounds = 4, RequestsAMove = 10;

    public async Task<DimensionsResult> RunAsync(World world, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        var releases = new List<Release>();
        foreach (var dim in Dims) releases.Add(await world.ReleaseAsync(dim, options.Seed + dim, ct));
        using var oracle = await Oracle.ReadAsync(world, releases, ct);
        await world.Store.ActivateAsync(releases[0].ModelVersion, "torture", null, ct);
        await using var replicas = await Replicas.StartAsync(world.ConnectionString, options.Replicas, ct);

        var (findings, random, requests, moves) = (new Findings(), new Random(options.Seed), 0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            await MoveAsync(1, forth: true);
            await MoveAsync(2, forth: true);
            await MoveAsync(1, forth: false);
            await MoveAsync(0, forth: false);
        }

        return new(Dims, moves, requests, Math.Round(oracle.Recall, 4), findings.Count, findings.First);

        async Task MoveAsync(int to, bool forth)
        {
            if (forth) await world.Store.ActivateAsync(releases[to].ModelVersion, "torture", null, ct);
            else await world.Store.RollbackAsync("torture", null, ct);
            moves++;
            for (var i = 0; i < RequestsAMove * replicas.Count; i++)
            {
                var exchange =
                    await Clients.AskAsync(replicas.At(i % replicas.Count).Client, world.Viewers[random.Next(world.Viewers.Count)]);
                var version = oracle.Check(exchange, findings);
                findings.AddIf(version is not null && version != releases[to].ModelVersion, $"{version} answered where {releases[to].ModelVersion} is active");
                requests++;
            }

            progress?.Report(new(moves, Rounds * 4, $"{releases[to].EmbeddingDim} numbers"));
        }
    }
}

/// <summary>What came of it.</summary>
internal sealed record DimensionsResult(
    IReadOnlyList<int> Dims, int Moves, int Requests, double Recall, int Wrong, IReadOnlyList<string> Findings);
