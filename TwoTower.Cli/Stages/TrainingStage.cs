using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Telemetry;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Training;
using TwoTower.Training.Loop;

namespace TwoTower.Cli.Stages;

/// <summary>The training stage, with progress; what train and demo share.</summary>
internal static class TrainingStage
{
    public static async Task<Trained> RunAsync(Session session, NpgsqlDataSource db, Recipe recipe, string checkpoint, Resumption resume)
    {
        session.Kept = "nothing was learned yet; run the same command to start over";
        await using var telemetry = await PartTelemetry.StartAsync(session, "trainer");
        var parse = session.Parse;
        var options = new TrainOptions
        {
            Recipe = recipe,
            Database = db,
            Device = Enum.Parse<TrainingDevice>(parse.GetValue(CommonOptions.Device) ?? "auto", ignoreCase: true),
            Threads = parse.GetValue(CommonOptions.Threads) ?? 0,
            CheckpointPath = checkpoint,
            Resume = resume,
            Say = session.Terminal.Say,
            Time = session.Time,
        };

        var epochs = new EpochLog(telemetry.Log);

        // Training computes on the thread that it was called on: the progress bar needs one of its own.
        var result = await session.Terminal.StageAsync("training", "samples", progress => Task.Run(
            () => TrainJob.RunAsync(
                options, new Relay<TrainingProgress>(progress, step => Stage(session, recipe, checkpoint, step, epochs)), session.Stop)));
        var training = result.Checkpoint.Training;
        epochs.Report(training.Epochs[^1], recipe.Training.Epochs); // progress tells of an epoch when the next one begins
        telemetry.Log.LogInformation(
            "Trained {ModelVersion} in {Seconds:0.0} s: best epoch {BestEpoch} of {Epochs}", result.Release!.ModelVersion, result.TrainingTime.TotalSeconds, training.BestEpoch,
            training.Epochs.Count);
        var best = training.Epochs.Single(epoch => epoch.Epoch == training.BestEpoch);
        session.Terminal.Say(
            $"best epoch {training.BestEpoch} of {training.Epochs.Count}: validation loss {best.ValidationLoss:0.0000}, accuracy {best.ValidationAccuracy:0.000}; "
            + (result.SamplesPerSecond is { } rate ? $"{Amounts.Rate(rate)} samples" : "all epochs were done by an earlier run"));
        return new(
            result.Release!.ModelVersion, training.Epochs.Count, training.BestEpoch, best.ValidationLoss, best.ValidationAccuracy,
            training.TrainingSamples + training.ValidationSamples, result.ResumedAfterEpoch, result.TrainingTime.TotalSeconds,
            result.SamplesPerSecond, checkpoint);
    }

    private static StageProgress Stage(Session session, Recipe recipe, string checkpoint, TrainingProgress step, EpochLog epochs)
    {
        if (step.LastEpoch is { } done)
        {
            epochs.Report(done, step.Epochs);
            if (recipe.Kind == RecipeKind.Statistics) session.Kept =
                $"{done.Epoch} of {step.Epochs} epochs are kept in {checkpoint}; run the same command ('twotower {session.Parse.CommandResult.Command.Name}') to go on";
        }

        long batch = recipe.Training.BatchSize;
        var note = $"epoch {step.Epoch} of {step.Epochs}, loss {step.Loss:0.0000}" + (step.LastEpoch is { } last ? $", validation {last.ValidationLoss:0.0000}" : "");
        return new((((step.Epoch - 1L) * step.Steps) + step.Step) * batch, (long)step.Epochs * step.Steps * batch, note);
    }
}

/// <summary>An epoch's numbers as a structured log, once an epoch.</summary>
internal sealed class EpochLog(ILogger log)
{
    private int _last;

    public void Report(EpochMetrics done, int epochs)
    {
        if (done.Epoch > _last)
        {
            _last = done.Epoch;
            log.LogInformation(
                "Epoch {Epoch} of {Epochs}: loss {TrainingLoss:0.0000}, validation {ValidationLoss:0.0000}, accuracy {ValidationAccuracy:0.000}",
                done.Epoch, epochs, done.TrainingLoss, done.ValidationLoss, done.ValidationAccuracy);
        }
    }
}

/// <summary>How a training ended, for --json.</summary>
internal sealed record Trained(
    string ModelVersion, int Epochs, int BestEpoch, double ValidationLoss, double ValidationAccuracy, int Samples, int ResumedAfterEpoch,
    double Seconds, double? SamplesPerSecond, string Checkpoint);
