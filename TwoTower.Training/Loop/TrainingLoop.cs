using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Loop;

/// <summary>
/// Epochs of shuffled batches; after each the held-out samples, the best weights so far, and a place to resume from. Same set, recipe and
/// backend give the same numbers, also when it is stopped between two epochs and goes on from <see cref="State"/>.
/// </summary>
internal sealed class TrainingLoop
{
    private readonly TrainingSet _set;
    private readonly TrainingOptions _options;
    private readonly ITrainingBackend _backend;
    private readonly TimeProvider _time;
    private readonly SeededRandom _random;
    private readonly List<EpochMetrics> _epochs = [];
    private int _bestEpoch;
    private int _epochsWithoutImprovement;

    /// <summary>Starts a training, or resumes a checkpoint.</summary>
    public TrainingLoop(TrainingSet set, Recipe recipe, ITrainingBackend backend, TimeProvider time, Checkpoint? from = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(backend);
        (_set, _options, _backend, _time) = (set, recipe.Training, backend, time);
        Best = backend.Weights();
        if (from?.Resume is { } resume)
        {
            _random = new(resume.Random);
            _epochs.AddRange(from.Training.Epochs);
            _bestEpoch = from.Training.BestEpoch;
            _epochsWithoutImprovement = resume.EpochsWithoutImprovement;
            Best = (from.User, from.Item);
        }
        else
        {
            _random = new(recipe.Seed, RandomPurpose.Epochs);
        }
    }

    /// <summary>Copies of both towers as they were after the best epoch; later steps don't touch them.</summary>
    public (TowerWeights User, TowerWeights Item) Best { get; private set; }

    /// <summary>Each finished epoch.</summary>
    public IReadOnlyList<EpochMetrics> Epochs => _epochs;

    /// <summary>The epoch, from 1, that <see cref="Best"/> is of.</summary>
    public int BestEpoch => _bestEpoch;

    /// <summary>True when patience ran out or the last epoch is done.</summary>
    public bool Finished => _epochs.Count >= _options.Epochs || _epochsWithoutImprovement >= _options.EarlyStoppingPatience;

    /// <summary>Runs one epoch: every training sample once, then the held-out ones.</summary>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    /// <exception cref="OperationCanceledException">Stopped between two steps; the state is the one before the epoch only in a checkpoint.</exception>
    public EpochMetrics RunEpoch(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var epoch = _epochs.Count + 1;
        using var activity = TrainingTelemetry.Source.StartActivity("epoch");
        activity?.SetTag("epoch", epoch);

        // The order starts from the ascending one each time, so that an epoch depends on the generator alone.
        var order = _set.TrainingRows.ToArray();
        _random.Shuffle<int>(order);
        _backend.BeginEpoch(_random.NextBits());

        double lossSum = 0, normSum = 0;
        var steps = (order.Length + _options.BatchSize - 1) / _options.BatchSize;
        var started = _time.GetTimestamp();
        for (var step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var first = step * _options.BatchSize;
            var batch = order.AsSpan(first, Math.Min(_options.BatchSize, order.Length - first));
            var (loss, norm) = _backend.Step(batch);
            if (!double.IsFinite(loss) || !double.IsFinite(norm))
            {
                throw new TrainingDivergedException(
                    $"Training stopped: the {(double.IsFinite(loss) ? "gradient" : "loss")} became {(double.IsFinite(loss) ? norm : loss)} in epoch {epoch}, "
                    + $"step {step + 1} of {steps}. A lower training.lr (now {_options.Lr}) or gradient_clip_norm (now {_options.GradientClipNorm}) helps.");
            }

            lossSum += loss * batch.Length;
            normSum += norm;
            TrainingTelemetry.GradientNorm.Record(norm);
            Report(progress, epoch, step + 1, steps, first + batch.Length, lossSum / (first + batch.Length), _time.GetElapsedTime(started));
        }

        var (validationLoss, accuracy) = HeldOutSamples.Run(_backend, _set, _options.LogitScale);
        if (!double.IsFinite(validationLoss))
        {
            throw new TrainingDivergedException($"Training stopped: the validation loss became {validationLoss} in epoch {epoch}.");
        }

        var metrics = new EpochMetrics(epoch, lossSum / order.Length, validationLoss, accuracy, normSum / steps);
        Keep(metrics);
        TrainingTelemetry.Loss.Record(validationLoss, new KeyValuePair<string, object?>("split", "validation"));
        TrainingTelemetry.Loss.Record(metrics.TrainingLoss, new KeyValuePair<string, object?>("split", "training"));
        TrainingTelemetry.SamplesPerSecond.Record(order.Length / Math.Max(1e-9, _time.GetElapsedTime(started).TotalSeconds));
        return metrics;
    }

    /// <summary>What a checkpoint needs so that a later process goes on as if nothing had happened.</summary>
    public ResumeState State(string dataFingerprint)
    {
        var (user, item) = _backend.Weights();
        var optimizer = _backend.Optimizer();
        return new()
        {
            User = user,
            Item = item,
            FirstMoment = optimizer.FirstMoment,
            SecondMoment = optimizer.SecondMoment,
            Step = optimizer.Step,
            Epoch = _epochs.Count,
            EpochsWithoutImprovement = _epochsWithoutImprovement,
            Random = _random.State,
            DataFingerprint = dataFingerprint,
        };
    }

    private void Keep(EpochMetrics metrics)
    {
        // An improvement has to be of at least the minimum to reset the patience; the best weights are the best all the same.
        var best = _epochs.Count == 0 ? double.PositiveInfinity : _epochs.Min(e => e.ValidationLoss);
        _epochsWithoutImprovement = metrics.ValidationLoss < best - _options.EarlyStoppingMinDelta ? 0 : _epochsWithoutImprovement + 1;
        if (metrics.ValidationLoss < best)
        {
            _bestEpoch = metrics.Epoch;
            Best = _backend.Weights();
        }

        _epochs.Add(metrics);
    }

    private void Report(IProgress<TrainingProgress>? progress, int epoch, int step, int steps, int samples, double loss, TimeSpan elapsed)
    {
        if (progress is null) return;
        var rate = samples / Math.Max(1e-9, elapsed.TotalSeconds);
        var left = (long)_set.TrainingRows.Length * (_options.Epochs - epoch + 1) - samples;
        progress.Report(new(epoch, _options.Epochs, step, steps, loss, rate, TimeSpan.FromSeconds(left / rate), _epochs.LastOrDefault()));
    }
}
