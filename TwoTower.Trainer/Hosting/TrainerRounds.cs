using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.ServiceDefaults.Database;
using TwoTower.Training;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Trainer.Hosting;

/// <summary>Trains once, or again and again, and says in an exit code how it went.</summary>
/// <param name="log">Where progress goes.</param>
internal sealed class TrainerRounds(NpgsqlDataSource db, TrainerSettings settings, TimeProvider time, ILogger log)
{
    /// <summary>Runs the rounds. Everything that can go wrong becomes a line of the log and an exit code.</summary>
    public async Task<int> RunAsync(RoundOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            await WaitAsync(ct);
            if (options.OnlyIfNeeded && await UsableReleaseAsync(ct) is { } usable)
            {
                log.LogInformation("Nothing to do: release {ModelVersion} is {State}", usable.ModelVersion, usable.State);
                return ExitCodes.Success;
            }

            while (true)
            {
                var code = await RoundAsync(options, ct);
                if (options.Every is not { } pause) return code;
                log.LogInformation("The next training is at {Next:u}", time.GetUtcNow() + pause);
                await Task.Delay(pause, time, ct);
                await WaitAsync(ct); // it may be away at that moment, too
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            log.LogWarning("Stopped; a checkpoint, where one was written, is that of the last finished epoch");
            return ExitCodes.Interrupted;
        }
        catch (InputException e)
        {
            log.LogError("{Message}", e.Message);
            return ExitCodes.BadInput;
        }
#pragma warning disable CA1031 // the boundary of the process: a job's failure is its exit code
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (DatabaseErrors.Explain(e, db) is { } explained)
            {
                log.LogError("{Message}", explained.Message);
                return ExitCodes.BadInput;
            }

            log.LogCritical(e, "Training failed");
            return ExitCodes.Failure;
        }
    }

    private Task WaitAsync(CancellationToken ct) =>
        db.WaitUntilReadyAsync(TimeSpan.FromSeconds(settings.DatabasePatienceSeconds), time, log, ct);

    private async Task<int> RoundAsync(RoundOptions options, CancellationToken ct)
    {
        try
        {
            var checkpoint = await CheckpointAsync(ct);
            if (checkpoint is not null) log.LogInformation("The checkpoint is {Checkpoint}", checkpoint);
            var result = await TrainJob.RunAsync(
                new TrainOptions
                {
                    Recipe = options.Recipe,
                    Database = db,
                    Device = settings.Device,
                    Threads = settings.Threads,
                    CheckpointPath = checkpoint,
                    Resume = settings.Resume ? Resumption.IfInterrupted : Resumption.Never,
                    Say = line => log.LogInformation("{Line}", line),
                    Time = time,
                },
                new ProgressLog(log, time), ct);
            Summarize(result);
            return ExitCodes.Success;
        }
        catch (NothingToTrainException e)
        {
            log.LogWarning("{Message}", e.Message);
            return options.AllowNothing ? ExitCodes.Success : ExitCodes.NothingToTrain;
        }
        catch (AlreadyTrainingException e)
        {
            log.LogError("{Message}", e.Message);
            return ExitCodes.AlreadyTraining;
        }
        catch (TrainingDivergedException e)
        {
            log.LogError("{Message}", e.Message);
            return ExitCodes.Failure;
        }
    }

    private void Summarize(TrainResult result)
    {
        var (version, training) = (result.Release!.ModelVersion, result.Checkpoint.Training);
        if (result.SamplesPerSecond is { } rate)
        {
            log.LogInformation(
                "Release {ModelVersion} trained: best epoch {BestEpoch} of {Epochs}, {Rate:N0} samples/s", version, training.BestEpoch, training.Epochs.Count, rate);
        }
        else
        {
            log.LogInformation(
                "Release {ModelVersion} registered: best epoch {BestEpoch} of {Epochs}, all of them done by an earlier run", version, training.BestEpoch, training.Epochs.Count);
        }
    }

    private async Task<string?> CheckpointAsync(CancellationToken ct) => settings.Checkpoint switch
    {
        null => Path.Combine(await CheckpointFolder.OfAsync(db, ct), CheckpointFolder.FileName),
        "" => null,
        var named => named,
    };

    private async Task<Release?> UsableReleaseAsync(CancellationToken ct) => (await new ReleaseStore(db).ListAsync(ct))
        .FirstOrDefault(r => r.State is ReleaseState.Trained or ReleaseState.Embedding or ReleaseState.Ready or ReleaseState.Active);

    // A line every ten seconds: enough to see that it moves, few enough to keep.
    private sealed class ProgressLog(ILogger log, TimeProvider time) : IProgress<TrainingProgress>
    {
        private long _last = time.GetTimestamp();

        public void Report(TrainingProgress value)
        {
            if (time.GetElapsedTime(_last) < TimeSpan.FromSeconds(10)) return;
            _last = time.GetTimestamp();
            log.LogInformation(
                "Epoch {Epoch}/{Epochs}, step {Step}/{Steps}: loss {Loss:F4}, {Rate:N0} samples/s, at most {Left} left",
                value.Epoch, value.Epochs, value.Step, value.Steps, value.Loss, value.SamplesPerSecond, Amounts.Time(value.TimeLeft));
        }
    }
}

/// <summary>What this start of the process is for.</summary>
/// <param name="Recipe">What to train.</param>
/// <param name="OnlyIfNeeded">Not where a release is already trained, ready or active.</param>
/// <param name="AllowNothing">Nothing to train on counts as done: schedulers take every code but 0 for a failure.</param>
/// <param name="Every">Train again after this pause, for ever; null trains once.</param>
internal sealed record RoundOptions(Recipe Recipe, bool OnlyIfNeeded = false, bool AllowNothing = false, TimeSpan? Every = null);
