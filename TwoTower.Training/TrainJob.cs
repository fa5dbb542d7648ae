using Npgsql;
using TorchSharp;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;
using TwoTower.Training.Histories;
using TwoTower.Training.Loop;
using TwoTower.Training.Loop.Cpu;
using TwoTower.Training.Probabilities;
using TwoTower.Training.Samples;
using TwoTower.Training.Towers;

namespace TwoTower.Training;

/// <summary>Rows → samples → features → towers → checkpoint → release.</summary>
internal static class TrainJob
{
    /// <summary>Trains and, with a database, registers the release (state trained).</summary>
    /// <exception cref="InputException">Something given cannot be used.</exception>
    /// <exception cref="NothingToTrainException">The tables hold nothing to learn from.</exception>
    /// <exception cref="AlreadyTrainingException">Another training writes the same checkpoint.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    /// <exception cref="OperationCanceledException">Stopped; the checkpoint is the last finished epoch's.</exception>
    public static async Task<TrainResult> RunAsync(TrainOptions options, IProgress<TrainingProgress>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var activity = TrainingTelemetry.Source.StartActivity("train");
        var recipe = options.Recipe;
        var device = ComputeDevice.Choose(options.Device); // before hours of reading, not after
        var threads = options.Threads > 0 ? options.Threads : ComputeDevice.PhysicalCores();
        var shortcuts = device == DeviceType.CUDA ? Shortcuts.None : options.Shortcuts;
        var arithmetic = recipe.Kind == RecipeKind.History ? null : new Arithmetic(device == DeviceType.CUDA ? "cuda" : "cpu", shortcuts.ToString(), threads);
        if (options.Resume == Resumption.Required) ResumePoint.Find(options, arithmetic); // before anything is written
        if (options is { Database: { } registry, Register: true }) await WriteRights.RequireReleasesAsync(registry, ct);
        using var alone = options.CheckpointPath is { } checkpointPath ? CheckpointLock.Take(checkpointPath) : null;
        var found = ResumePoint.Find(options, arithmetic); // again: what ran until now may have replaced it
        var tables = options.Tables?.WithVideoFeatures(recipe.Features.VideoFeatures) ?? await ReadAsync(options, ct);
        if (arithmetic is null) return await RunHistoriesAsync(options, tables, device, threads, progress, ct);

        var payloads = options.Tables is null && recipe.Features.UseRpcFeatures ? options.Database : null;
        var data = await TrainingData.BuildAsync(tables, recipe, payloads, options.Say, ct);

        var fingerprint = data.Set.Fingerprint();
        var from = found is null ? null : ResumePoint.Confirm(found, options, arithmetic, fingerprint);
        var start = from?.Resume is { } resume
            ? (resume.User, resume.Item)
            : TowerInitializer.Create(data.Pipeline.UserDim, data.Pipeline.ItemDim, recipe.Model, recipe.Seed);
        var optimizer = from?.Resume is { } r ? new OptimizerState(r.FirstMoment, r.SecondMoment, r.Step) : null;
        using var backend = Create(options, device, threads, data.Set, start, optimizer);
        var loop = new TrainingLoop(data.Set, recipe, backend, options.Time, from);

        var checkpoint = from;
        var started = options.Time.GetTimestamp();
        while (!loop.Finished)
        {
            var epoch = loop.RunEpoch(progress, ct);
            checkpoint = Snapshot(options, data, loop, loop.State(fingerprint) with { Arithmetic = arithmetic, Finished = false });
            if (options.CheckpointPath is { } path) CheckpointStore.Write(path, checkpoint);
            options.Say?.Invoke(
                $"epoch {epoch.Epoch}/{recipe.Training.Epochs}: loss {epoch.TrainingLoss:F4}, validation {epoch.ValidationLoss:F4}, "
                + $"accuracy {epoch.ValidationAccuracy:P1}{(loop.BestEpoch == epoch.Epoch ? "" : $" (best was epoch {loop.BestEpoch})")}");
        }

        var time = options.Time.GetElapsedTime(started);
        var epochs = loop.Epochs.Count - (from?.Training.Epochs.Count ?? 0);
        if (loop.Epochs.Count < recipe.Training.Epochs)
        {
            options.Say?.Invoke($"stopped early: {recipe.Training.EarlyStoppingPatience} epochs without an improvement of {recipe.Training.EarlyStoppingMinDelta}");
        }

        // With a date it was calibrated already, and its release may be there.
        if (checkpoint!.Resume!.ExportedAt is null) checkpoint = await CalibrateAsync(options, checkpoint, tables, payloads, ct);
        var exportedAt = checkpoint.Resume!.ExportedAt ?? options.Time.GetUtcNow();
        if (options is { Database: not null, Register: true, CheckpointPath: { } dated })
        {
            CheckpointStore.Write(dated, checkpoint with { Resume = checkpoint.Resume with { ExportedAt = exportedAt } });
        }

        var release = await RegisterAsync(options, checkpoint, exportedAt, ct);
        checkpoint = checkpoint with { Resume = checkpoint.Resume with { Finished = true, ExportedAt = null } };
        if (options.CheckpointPath is { } last) CheckpointStore.Write(last, checkpoint);
        return new(
            checkpoint, release, loop.Epochs.Count - epochs, time, epochs > 0
                ? epochs * (double)data.Set.TrainingRows.Length / Math.Max(1e-9, time.TotalSeconds) : null);
    }

    /// <summary>What the user tower of a history recipe learns from, alone.</summary>
    internal static TowerLessons FitLessons(
        Recipe recipe, TableSet tables, TrainingDevice device, int threads, Action<string>? say, CancellationToken ct) =>
        new HistoryTraining(
            recipe, new torch.Device(ComputeDevice.Choose(device)), threads > 0
                ? threads : ComputeDevice.PhysicalCores(), TimeProvider.System, say)
            .FitLessons(tables, ct);

    // Minutes at most and closed-form for the greater part: an interrupted one starts again.
    private static async Task<TrainResult> RunHistoriesAsync(
        TrainOptions options, TableSet tables, DeviceType device, int threads, IProgress<TrainingProgress>? progress, CancellationToken ct)
    {
        options.Say?.Invoke(device == DeviceType.CUDA ? "training on the GPU" : $"training on the CPU, {threads} {(threads == 1 ? "thread" : "threads")}");
        var started = options.Time.GetTimestamp();
        var checkpoint = await Task.Run(
            () => new HistoryTraining(options.Recipe, new torch.Device(device), threads, options.Time, options.Say).Run(
                tables, progress, ct), ct);
        if (options.CheckpointPath is { } path) CheckpointStore.Write(path, checkpoint);
        var time = options.Time.GetElapsedTime(started);
        checkpoint = await CalibrateAsync(options, checkpoint, tables, null, ct);
        var release = await RegisterAsync(options, checkpoint, options.Time.GetUtcNow(), ct);
        var samples = (double)checkpoint.Training.Epochs.Count * checkpoint.Training.TrainingSamples;
        return new(checkpoint, release, 0, time, samples / Math.Max(1e-9, time.TotalSeconds));
    }

    // The towers are safe by now; the checkpoint gets what was fitted on them.
    private static async Task<Checkpoint> CalibrateAsync(
        TrainOptions options, Checkpoint checkpoint, TableSet tables, NpgsqlDataSource? payloads, CancellationToken ct)
    {
        var calibrated = await HeldOutCalibration.AddAsync(checkpoint, tables, payloads, options.Say, ct);
        if (options.CheckpointPath is { } path && calibrated != checkpoint) CheckpointStore.Write(path, calibrated);
        return calibrated;
    }

    private static async Task<Release?> RegisterAsync(
        TrainOptions options, Checkpoint checkpoint, DateTimeOffset exportedAt, CancellationToken ct) =>
        options is { Database: { } db, Register: true }
            ? await new ReleaseStore(db).RegisterAsync(ReleaseFiles.Build(checkpoint, exportedAt), options.Recipe, null, ct)
            : null;

    private static async Task<TableSet> ReadAsync(TrainOptions options, CancellationToken ct)
    {
        using var activity = TrainingTelemetry.Source.StartActivity("read");
        var db = options.Database ?? throw new ArgumentException("Neither tables nor a database to read them from.", nameof(options));
        // Large, and where SQL computes the features, of no use here.
        var (features, histories) = (options.Recipe.Features, options.Recipe.Kind == RecipeKind.History);
        var tables =
            await TableReader.ReadAsync(db, features.UseRpcFeatures && !histories ? [] : features.VideoFeatures ?? [], ct, options.Say);
        options.Say?.Invoke($"{tables.Profiles.Count:N0} profiles, {tables.Videos.Count:N0} videos, {tables.Decisions.Count:N0} decisions read");
        return tables;
    }

    private static ITrainingBackend Create(
        TrainOptions options, DeviceType device, int threads, TrainingSet set, (TowerWeights User, TowerWeights Item) start,
        OptimizerState? optimizer)
    {
        if (device == DeviceType.CUDA || options.Shortcuts == Shortcuts.None)
        {
            torch.set_num_threads(threads);
            options.Say?.Invoke(device == DeviceType.CUDA ? "training on the GPU" : $"training on the CPU, {threads} threads, no shortcuts");
            return new TorchBackend(set, options.Recipe, start, optimizer, device);
        }

        options.Say?.Invoke($"training on the CPU, {threads} {(threads == 1 ? "thread" : "threads")}");
        return new CpuBackend(
            set, options.Recipe, start, optimizer, threads, options.Shortcuts == Shortcuts.SharedDropout ? 1 : int.MaxValue);
    }

    private static Checkpoint Snapshot(TrainOptions options, TrainingData data, TrainingLoop loop, ResumeState state) => new()
    {
        Recipe = options.Recipe,
        Pipeline = data.Pipeline.State,
        User = loop.Best.User,
        Item = loop.Best.Item,
        Training = new(
            data.Set.Users.Count, data.Set.Items.Count, data.Set.TrainingRows.Length, data.Set.ValidationRows.Length,
            data.Set.Labels.Count(label => label == 1), data.Set.SampledNegatives, loop.BestEpoch, [.. loop.Epochs]),
        Probes = data.Probes,
        Resume = state,
    };
}
