using System.Diagnostics;
using System.Globalization;
using TwoTower.Cli.Output;
using TwoTower.Postgres.Releases;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>
/// kill -9 of trainers, embedders and replicas at random moments of their work, while viewers decide. The next start must go on; nothing
/// half or orphaned may stay, and nothing that was acknowledged may be lost.
/// </summary>
internal sealed class Kills(TortureOptions options) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Random _random = new(options.Seed);
    private readonly Findings _findings = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twotower-torture-");
    private readonly Dictionary<string, int> _killed = [];
    private TimeSpan _training, _embedding;
    private int _trainings, _tooLate;

    private Dictionary<string, string> EmbedderSettings { get; } = new()
    {
        ["TwoTower__Embedder__Activate"] = "true",
        ["TwoTower__Embedder__PollInterval"] = "00:00:00.2",
        ["TwoTower__Embedder__Embedding__Lease"] = "00:00:03", // what a killed one's successor waits for
        ["TwoTower__Embedder__Embedding__ChunkRows"] = "100",
    };

    private Dictionary<string, string> TrainerSettings => new() { ["TwoTower__Trainer__Checkpoint"] = Path.Combine(_folder.FullName, "latest.safetensors") };

    public async Task<KillsResult> RunAsync(World world, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        progress?.Report(new(0, options.Kills, "how long they take when nobody kills them"));
        _training = await TimeAsync(() => TrainAsync(world, null, ct));
        _embedding = await TimeAsync(() => EmbedAsync(world, null, ct));
        await using var replicas = await Replicas.StartAsync(world.ConnectionString, options.Replicas, ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var decider = new Decider(replicas, world, options.Seed);
        var deciding = decider.RunAsync(_findings, over.Token);

        string[] victims = ["trainer", "embedder", "api"];
        var order = Enumerable.Range(0, options.Kills).Select(kill => victims[kill % victims.Length]).ToArray();
        _random.Shuffle(order);
        for (var kill = 0; kill < order.Length; kill++)
        {
            progress?.Report(new(kill, order.Length, order[kill]));
            await (order[kill] switch
            {
                "trainer" => TrainAsync(world, Moment(_training), ct),
                "embedder" => KillEmbedderAsync(world, ct),
                _ => KillReplicaAsync(replicas, ct),
            });
            _killed[order[kill]] = _killed.GetValueOrDefault(order[kill]) + 1;
            await RegistryCheck.RunAsync(world.Db, settled: false, $"after kill {kill + 1} ({order[kill]})", _findings, ct);
        }

        await over.CancelAsync();
        await deciding;
        await SettleAsync(world, ct);
        var lost = await decider.LostAsync(ct);
        _findings.AddIf(lost > 0, $"{lost} acknowledged decisions are lost");
        progress?.Report(new(order.Length, order.Length));
        return new(
            order.Length, _killed, _tooLate, _trainings, decider.Acknowledged, decider.Repeated, lost,
            Math.Round(_training.TotalSeconds, 1), Math.Round(_embedding.TotalSeconds, 1), _findings.Count, _findings.First);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    // From its start almost to its end: connecting, reading, an epoch, a checkpoint, registering.
    private TimeSpan Moment(TimeSpan whole) => whole * (.05 + (_random.NextDouble() * .8));

    /// <summary>Trains a release; with a moment, kills the trainer then and starts it again.</summary>
    private async Task TrainAsync(World world, TimeSpan? killAfter, CancellationToken ct)
    {
        var recipe = World.Overrides(dim: 32, seed: options.Seed + _trainings++).SelectMany(key => new[] { "--set", key });
        string[] args = ["--recipe", "v2-fast", .. recipe];
        if (killAfter is { } moment)
        {
            await using var killed = ServiceProcess.Start("TwoTower.Trainer", world.ConnectionString, TrainerSettings, args);
            await Task.Delay(moment, ct);
            if (killed.HasExited) _tooLate++;
            await killed.KillAsync();
        }

        var before = (await world.Store.ListAsync(ct)).Count;
        await using var trainer = ServiceProcess.Start("TwoTower.Trainer", world.ConnectionString, TrainerSettings, args);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        var code = await trainer.ExitAsync(patience.Token);
        _findings.AddIf(code != 0, $"a trainer that was started after a kill ended with {code}: {trainer.LastLines}");
        _findings.AddIf(code == 0 && (await world.Store.ListAsync(ct)).Count == before, $"a trainer ended without a release: {trainer.LastLines}");
    }

    private async Task KillEmbedderAsync(World world, CancellationToken ct)
    {
        if (!(await world.Store.ListAsync(ct)).Any(release => release.State == ReleaseState.Trained)) await TrainAsync(world, null, ct);
        await world.EditAsync(_random.Next(), ct);
        await EmbedAsync(world, Moment(_embedding), ct);
    }

    /// <summary>Has an embedder embed and activate every release that waits, and every video that has changed; with a moment, kills it then
    /// and starts it again.</summary>
    private async Task EmbedAsync(World world, TimeSpan? killAfter, CancellationToken ct)
    {
        if (killAfter is { } moment)
        {
            await using var killed = ServiceProcess.Start("TwoTower.Embedder", world.ConnectionString, EmbedderSettings);
            await Task.Delay(moment, ct);
            if (!(await world.Store.ListAsync(ct)).Any(Waits)) _tooLate++;
            await killed.KillAsync();
        }

        await using var embedder = ServiceProcess.Start("TwoTower.Embedder", world.ConnectionString, EmbedderSettings);
        var started = Stopwatch.GetTimestamp();
        while ((await world.Store.ListAsync(ct)).Any(Waits) || await world.IsQueuedAsync(ct))
        {
            if (embedder.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
            {
                _findings.Add($"an embedder that was started after a kill didn't go on: {embedder.LastLines}");
                return;
            }

            await Task.Delay(50, ct);
        }

        embedder.Terminate();
        await embedder.ExitAsync(ct);
        await new ReleaseRetention(world.Db, TimeProvider.System).PruneAsync(keep: 3, "torture", dryRun: false, ct);
    }

    private static bool Waits(Release release) => release.State is ReleaseState.Trained or ReleaseState.Embedding;

    private async Task KillReplicaAsync(Replicas replicas, CancellationToken ct)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(200, 2000)), ct);
        await replicas.KillAsync(_random.Next(replicas.Count), ct);
    }

    private async Task SettleAsync(World world, CancellationToken ct)
    {
        await TrainAsync(world, null, ct);
        await EmbedAsync(world, null, ct);
        await RegistryCheck.RunAsync(world.Db, settled: true, "in the end", _findings, ct);
        foreach (var file in _folder.EnumerateFiles().Where(file => file.Name != "latest.safetensors"))
        {
            _findings.Add(string.Create(CultureInfo.InvariantCulture, $"in the end: {file.Name} ({file.Length} bytes) lies beside the checkpoint"));
        }
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(started);
    }
}

/// <summary>What came of it.</summary>
internal sealed record KillsResult(
    int Kills, IReadOnlyDictionary<string, int> Killed, int AfterTheWorkWasDone, int Trainings, int DecisionsAcknowledged,
    int DecisionsRepeated, long DecisionsLost,
    double TrainingSeconds, double EmbeddingSeconds, int Wrong, IReadOnlyList<string> Findings);
