using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Training.Loop;

namespace TwoTower.Training.Tests.Loop;

/// <summary>What the loop promises, on a backend whose validation losses are written down beforehand.</summary>
public class TrainingLoopTests
{
    [Fact]
    public void The_best_epochs_weights_are_kept_as_a_copy_that_later_epochs_do_not_touch()
    {
        using var backend = new Script([1.7, 1.5, 1.6, 1.65]);
        var loop = Loop(backend, new() { Epochs = 4 });
        while (!loop.Finished) loop.RunEpoch(null, CancellationToken.None);

        Assert.Equal(2, loop.BestEpoch);
        Assert.Equal(2, loop.Best.User.Layers[0].Weight[0]); // the script's weight is the epoch's number
        Assert.Equal(4, backend.Weights().User.Layers[0].Weight[0]);
    }

    [Fact]
    public void Training_stops_after_as_many_epochs_without_an_improvement_as_patience_allows()
    {
        // Epoch 3 is better by less than the minimum of 1e-4: it doesn't reset the patience, but it is the best.
        using var backend = new Script([1.7, 1.5, 1.49995, 1.6, 1.7, 1.4]);
        var loop = Loop(backend, new() { Epochs = 6, EarlyStoppingPatience = 3 });
        while (!loop.Finished) loop.RunEpoch(null, CancellationToken.None);

        Assert.Equal(5, loop.Epochs.Count);
        Assert.Equal(3, loop.BestEpoch);
    }

    [Fact]
    public void Every_training_sample_is_used_once_an_epoch_in_another_order_each_time()
    {
        using var backend = new Script([1.7, 1.6]);
        var loop = Loop(backend, new() { Epochs = 2, BatchSize = 100 });
        loop.RunEpoch(null, CancellationToken.None);
        var first = backend.Seen.ToList();
        backend.Seen.Clear();
        loop.RunEpoch(null, CancellationToken.None);

        Assert.Equal(GoldenTraining.Set.TrainingRows, first.Order());
        Assert.Equal(GoldenTraining.Set.TrainingRows, backend.Seen.Order());
        Assert.NotEqual(first, backend.Seen);
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_training_with_the_reason()
    {
        using var backend = new Script([1.7]) { Loss = double.NaN };
        var e = Assert.Throws<TrainingDivergedException>(() => Loop(backend, new()).RunEpoch(null, CancellationToken.None));
        Assert.Contains("the loss became NaN in epoch 1, step 1", e.Message);
        Assert.Contains("training.lr", e.Message);
    }

    [Fact]
    public void A_cancellation_is_seen_within_a_step()
    {
        using var stop = new CancellationTokenSource();
        using var backend = new Script([1.7]) { OnStep = step => { if (step == 3) stop.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() => Loop(backend, new() { BatchSize = 64 }).RunEpoch(null, stop.Token));
        Assert.Equal(3 * 64, backend.Seen.Count);
    }

    [Fact]
    public void Progress_tells_epoch_step_loss_and_what_is_left()
    {
        using var backend = new Script([1.7, 1.6]);
        var reports = new List<TrainingProgress>();
        Loop(backend, new() { Epochs = 2, BatchSize = 500 }).RunEpoch(new Collect(reports), CancellationToken.None);

        Assert.Equal(Enumerable.Range(1, reports[0].Steps), reports.Select(r => r.Step));
        Assert.All(reports, r => Assert.Equal((1, 2, 0.5), (r.Epoch, r.Epochs, r.Loss)));
        Assert.True(reports[^1].SamplesPerSecond > 0 && reports[^1].TimeLeft > TimeSpan.Zero);
    }

    private static TrainingLoop Loop(ITrainingBackend backend, TrainingOptions options) =>
        new(GoldenTraining.Set, new Recipe { Training = options }, backend, TimeProvider.System);

    private sealed class Collect(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }

    // Its embeddings have one number, chosen so that each sample's loss is the epoch's; its only weight is the epoch's number.
    private sealed class Script(double[] validation) : ITrainingBackend
    {
        private int _epoch, _step;

        public List<int> Seen { get; } = [];

        public double Loss { get; init; } = 0.5;

        public Action<int> OnStep { get; init; } = _ => { };

        public void BeginEpoch(ulong dropoutKey) => _epoch++;

        public StepResult Step(ReadOnlySpan<int> samples)
        {
            Seen.AddRange(samples);
            OnStep(++_step);
            return new(Loss, 1);
        }

        public (TowerWeights User, TowerWeights Item) Weights() => (Tower(), Tower());

        public OptimizerState Optimizer() => new(Weights(), Weights(), _step);

        public (float[] Users, float[] Items) Embed()
        {
            // Same score s for all: mean loss log(1 + e^s) − share·s. Solved for s by bisection on the side where it grows.
            var set = GoldenTraining.Set;
            var share = set.ValidationRows.Average(row => (double)set.Labels[row]);
            double low = Math.Log(share / (1 - share)), high = 50;
            for (var i = 0; i < 200; i++)
            {
                var middle = (low + high) / 2;
                if (Math.Log(1 + Math.Exp(middle)) - share * middle < validation[_epoch - 1]) low = middle;
                else high = middle;
            }

            return ([.. Enumerable.Repeat((float)low, set.Users.Count)], [.. Enumerable.Repeat(1f, set.Items.Count)]);
        }

        public void Dispose()
        {
        }

        private TowerWeights Tower() => new([new(1, 1, [_epoch], [0])]);
    }
}
