using TwoTower.Cli.Output;
using TwoTower.Postgres.Releases;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>
/// Requests while releases of several dimensions are activated, rolled back and retired over HTTP, and replicas are replaced one after the
/// other. Every answer must be right for exactly one release, and that one must have been active while the request ran.
/// </summary>
internal sealed class ChangingReleases(TortureOptions options)
{
    private static readonly int[] Dims = [64, 128, 256, 128];

    public async Task<ChangingReleasesResult> RunAsync(World world, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        var releases = new List<Release>();
        foreach (var dim in Dims)
        {
            progress?.Report(new(0, options.Requests, $"training release {releases.Count + 1} of {Dims.Length}"));
            releases.Add(await world.ReleaseAsync(dim, options.Seed + releases.Count, ct));
        }

        using var oracle = await Oracle.ReadAsync(world, releases, ct);
        await world.Store.ActivateAsync(releases[0].ModelVersion, "torture", "first", ct);
        await using var replicas = await Replicas.StartAsync(world.ConnectionString, options.Replicas, ct);

        // Quiet: the same clients and replicas, once both are warm, and nobody changes anything.
        progress?.Report(new(0, options.Requests, "quiet"));
        await new Clients(replicas, world.Viewers, options.Clients, options.Seed).RunAsync(Math.Max(100, options.Requests / 10), ct);
        var quiet = new Clients(replicas, world.Viewers, options.Clients, options.Seed + 1);
        await quiet.RunAsync(Math.Max(100, options.Requests / 5), ct);

        var changes = new Changes(replicas, releases, options);
        var load = new Clients(replicas, world.Viewers, options.Clients, options.Seed + 2);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var changing = changes.RunAsync(() => load.Exchanges.Count, done => progress?.Report(new(load.Exchanges.Count, options.Requests, $"{done} changes")), over.Token);
        await load.RunAsync(options.Requests, ct);
        await changing;

        progress?.Report(new(options.Requests, options.Requests, "checking"));
        var findings = new Findings();
        var answers = new Dictionary<string, int>();
        foreach (var exchange in quiet.Exchanges.Concat(load.Exchanges))
        {
            ct.ThrowIfCancellationRequested();
            if (oracle.Check(exchange, findings) is not { } version) continue;
            answers[version] = answers.GetValueOrDefault(version) + 1;
            findings.AddIf(!changes.Timeline.WasActive(version, exchange.Asked, exchange.Answered), $"{version} answered while it wasn't active");
        }

        findings.AddIf(oracle.Recall < .9, $"only {oracle.Recall:P1} of what an exact search finds was answered");
        var (calm, busy) = (Latencies.Of(quiet.Exchanges), Latencies.Of(load.Exchanges));
        return new(
            load.Exchanges.Count, options.Clients, replicas.Count, changes.Done, changes.Restarted, changes.Retired, answers,
            Math.Round(oracle.Recall, 4), calm, busy, Math.Round(busy.P99 / calm.P99, 2), findings.Count, findings.First);
    }
}

/// <summary>What came of it.</summary>
internal sealed record ChangingReleasesResult(
    int Requests, int Clients, int Replicas, int Changes, int Restarts, string? Retired, IReadOnlyDictionary<string, int> AnswersByRelease,
    double Recall,
    Latencies Quiet, Latencies Changing, double P99Ratio, int Wrong, IReadOnlyList<string> Findings);
