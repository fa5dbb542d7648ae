using TorchSharp.Modules;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Training.Loop;
using TwoTower.Training.Randomness;
using TwoTower.Training.Towers;
using static TorchSharp.torch;
using AdamW = TwoTower.Training.Loop.AdamW;

namespace TwoTower.Training.Histories;

/// <summary>
/// Distils the closed-form model (Hinton, Vinyals and Dean 2015) into the user tower: a hidden layer beside the linear part learns the
/// residual. Loss: |tower − target|² ÷ |target|², the mean over histories.
/// </summary>
internal sealed class UserTowerTraining(Recipe recipe, Device device, TimeProvider time)
{
    private const double ValidationShare = 0.1;
    private const int WarmUpSteps = 30;

    private readonly List<EpochMetrics> _epochs = [];

    /// <summary>How each epoch went.</summary>
    public IReadOnlyList<EpochMetrics> Epochs => _epochs;

    /// <summary>Histories that were trained on, and that were held out.</summary>
    public (int Training, int Validation) Counts { get; private set; }

    /// <summary>Trains the tower.</summary>
    /// <param name="input">Pooled histories, row-major, [histories × 2 rank].</param>
    /// <param name="initialization">The linear part.</param>
    /// <param name="distillation">The target vectors.</param>
    /// <param name="progress">Told of each step.</param>
    /// <param name="linearOnly">True: the linear part says all there is to learn, and nothing is learned beside it.</param>
    /// <returns>2 rank → 2 rank + hidden → rank + 1; the last of the output is 0 for users.</returns>
    public TowerWeights Run(
        float[] input, LinearInitialization initialization, DistillationTargets distillation, IProgress<TrainingProgress>? progress,
        CancellationToken ct,
        bool linearOnly = false)
    {
        var (rank, count) = (distillation.Rank, distillation.Histories.Length);
        var random = new SeededRandom(recipe.Seed, RandomPurpose.Epochs);
        using var scope = NewDisposeScope();
        var x = tensor(input, [count, 2 * rank]).to(device);
        var y = tensor(distillation.Targets, [count, rank]).to(device);
        var linear = x[.., ..rank].Plus(x[.., rank..]).Plus(tensor(initialization.Bias).to(device));
        var (inputScale, targetScale) = (x.std().item<float>() is > 0 and var spread ? spread : 1, y.std().item<float>());
        x.Divide(inputScale);

        var hidden = recipe.Model.HiddenDims[0];
        using var first = nn.Linear(2 * rank, hidden, device: device);
        using var second = nn.Linear(hidden, rank, device: device);
        Initialize(first, 1 / Math.Sqrt(2 * rank), random);
        // Small: the tower starts as its linear part.
        Initialize(second, 0.1 / Math.Sqrt(hidden), random);
        if (linearOnly) Initialize(second, 0, random);
        var parameters = first.parameters().Concat(second.parameters()).ToList();
        var training = recipe.Training;
        using var optimizer = new AdamW(parameters, training);

        var order = new long[count];
        for (var i = 0; i < count; i++) order[i] = i;
        random.Shuffle<long>(order);
        var held = Math.Max(1, (int)(count * ValidationShare));
        Counts = (count - held, held);
        var validation = tensor(order[..held]).to(device);
        var rows = order[held..];
        var steps = (rows.Length + training.BatchSize - 1) / training.BatchSize;
        var started = time.GetTimestamp();
        for (var epoch = 1; epoch <= (linearOnly ? 0 : training.Epochs); epoch++)
        {
            random.Shuffle<long>(rows);
            double sum = 0, norms = 0;
            for (var step = 0; step < steps; step++)
            {
                ct.ThrowIfCancellationRequested();
                using var part = NewDisposeScope();
                var done = (epoch - 1) * steps + step + 1;
                var batch =
                    tensor(rows.AsSpan(
                        step * training.BatchSize, Math.Min(training.BatchSize, rows.Length - step * training.BatchSize)).ToArray()).to(
                            device);
                var loss = Loss(batch);
                foreach (var parameter in parameters) parameter.grad?.zero_();
                loss.backward();
                norms += nn.utils.clip_grad_norm_(parameters, training.GradientClipNorm);
                optimizer.Step(training.Lr * Rate(done, training.Epochs * steps));
                sum += loss.item<float>();
                if (!double.IsFinite(sum)) throw new TrainingDivergedException($"The loss of epoch {epoch}, step {step + 1} is not a number: lower training.lr ({training.Lr}).");
                var elapsed = time.GetElapsedTime(started);
                progress?.Report(new(
                    epoch, training.Epochs, step + 1, steps, sum / (step + 1),
                    done * training.BatchSize / Math.Max(1e-9, elapsed.TotalSeconds),
                    elapsed / done * (training.Epochs * steps - done), _epochs.LastOrDefault()));
            }

            Measure(epoch, sum / steps, norms / steps);
        }

        if (linearOnly) Measure(1, 0, 0);
        return Compose();

        void Measure(int epoch, double trained, double norm)
        {
            using var measuring = NewDisposeScope();
            using var frozen = no_grad();
            _epochs.Add(
                new(epoch, trained, Loss(validation).item<float>(), Accuracy(distillation, Answer(validation), order.AsSpan(0, held)),
                    norm));
        }

        Tensor Answer(Tensor batch) =>
            second.forward(nn.functional.relu(first.forward(x.index_select(0, batch)))).Times(targetScale)
                .Plus(linear.index_select(0, batch));

        Tensor Loss(Tensor batch)
        {
            var target = y.index_select(0, batch);
            return ((Answer(batch) - target).Squared().sum(1) / target.Squared().sum(1).AtLeast(1e-12)).mean();
        }

        // x = relu(x) − relu(−x): the linear part belongs to an ordinary network of two layers.
        TowerWeights Compose()
        {
            using var frozen = no_grad();
            var sums = cat([eye(rank), eye(rank)], 1);
            var bias = tensor(initialization.Bias);
            var down = cat([sums, -sums, first.weight.to(CPU).Over(inputScale)], 0);
            var downBias = cat([bias, -bias, first.bias!.to(CPU)], 0);
            var up = cat([cat([eye(rank), -eye(rank), second.weight.to(CPU).Times(targetScale)], 1), zeros(1, 2 * rank + hidden)], 0);
            var upBias = cat([second.bias!.to(CPU).Times(targetScale), zeros(1)], 0);
            return new(
            [
                new(2 * rank, 2 * rank + hidden, down.ToFloats(), downBias.ToFloats()),
                new(2 * rank + hidden, rank + 1, up.ToFloats(), upBias.ToFloats()),
            ]);
        }
    }

    private static double Rate(int step, int steps) =>
        Math.Min(1, step / (double)WarmUpSteps) * (0.5 * (1 + Math.Cos(Math.PI * step / steps)) + 0.01);

    // Uniform in ± bound, biases 0.
    private static void Initialize(Linear layer, double bound, SeededRandom random)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var (rows, columns) = (layer.weight.shape[0], layer.weight.shape[1]);
        var values = new float[rows * columns];
        for (var i = 0; i < values.Length; i++) values[i] = (float)((2 * random.NextDouble() - 1) * bound);
        layer.weight.copy_(tensor(values, [rows, columns]));
        layer.bias!.zero_();
    }

    // Of each history with both, the share of its (like, nope) pairs that the tower puts in the right order; the mean over histories.
    private static double Accuracy(DistillationTargets distillation, Tensor users, ReadOnlySpan<long> rows)
    {
        var vectors = users.ToFloats();
        var rank = distillation.Rank;
        var (sum, judged) = (0.0, 0);
        for (var i = 0; i < rows.Length; i++)
        {
            var (likes, nopes) = distillation.Histories[rows[i]];
            if (likes.Length == 0 || nopes.Length == 0) continue;
            var user = vectors.AsSpan(i * rank, rank);
            sum += PairsInOrder(Scores(likes, user), Scores(nopes, user));
            judged++;
        }

        return judged == 0 ? 0 : sum / judged;

        float[] Scores(int[] items, ReadOnlySpan<float> user)
        {
            var scores = new float[items.Length];
            for (var k = 0; k < items.Length; k++) scores[k] =
                System.Numerics.Tensors.TensorPrimitives.Dot(user, distillation.Items.AsSpan(items[k] * rank, rank));
            return scores;
        }
    }

    private static double PairsInOrder(float[] likes, float[] nopes)
    {
        Array.Sort(nopes);
        var below = 0L;
        foreach (var like in likes)
        {
            var place = Array.BinarySearch(nopes, like);
            below += place < 0 ? ~place : place;
        }

        return below / ((double)likes.Length * nopes.Length);
    }
}
