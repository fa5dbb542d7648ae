using System.Numerics.Tensors;
using TorchSharp;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// Training on the CPU without the repeated work: each distinct user and item of a batch is encoded once, the first layer looks only at
/// what is not zero, everything between two matrix products is one pass, and the optimiser is one pass over flat memory. Each worker
/// runs single-threaded matrix products on its share, because a phase is shorter than waking a second set of threads.
/// </summary>
internal sealed class CpuBackend : ITrainingBackend
{
    // Rows encoded at a time outside of training.
    private const int EmbeddingRows = 1024;

    private readonly TrainingSet _set;
    private readonly Recipe _recipe;
    private readonly ParameterLayout _layout;
    private readonly FloatBuffer _parameters, _gradients;
    private readonly FlatAdamW _adamW;
    private readonly CpuTower _user, _item;
    private readonly WorkerTeam _team;
    private readonly float[] _slope; // per sample of the batch, the loss's gradient by its score
    private readonly byte[] _labels; // per sample of the batch
    private readonly double[] _partial; // per worker
    private ulong _dropoutKey;

    /// <summary>Puts the towers into memory; resumes <paramref name="optimizer"/> if there is one.</summary>
    /// <param name="set">What is trained on.</param>
    /// <param name="start">Initial weights.</param>
    /// <param name="optimizer">Where the optimiser was.</param>
    /// <param name="masksPerRow">
    /// Dropout masks that the samples of one user (or item) in a batch have between them; <see cref="int.MaxValue"/> gives each its own, as
    /// the original does.
    /// </param>
    public CpuBackend(
        TrainingSet set, Recipe recipe, (TowerWeights User, TowerWeights Item) start, OptimizerState? optimizer, int threads,
        int masksPerRow)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(recipe);
        (_set, _recipe) = (set, recipe);
        _layout = new(start);
        (_parameters, _gradients) = (new(_layout.Length), new(_layout.Length));
        _layout.Write(start, _parameters);
        _adamW = new(recipe.Training, _layout.Length);
        if (optimizer is not null)
        {
            _layout.Write(optimizer.FirstMoment, _adamW.Mean);
            _layout.Write(optimizer.SecondMoment, _adamW.Square);
            _adamW.Steps = optimizer.Step;
        }

        var capacity = Math.Max(recipe.Training.BatchSize, EmbeddingRows);
        _user = new(set.Users, _layout.User, _parameters, _gradients, capacity, masksPerRow, threads);
        _item = new(set.Items, _layout.Item, _parameters, _gradients, capacity, masksPerRow, threads);
        (_slope, _labels) = (new float[recipe.Training.BatchSize], new byte[recipe.Training.BatchSize]);
        // The workers are the parallelism; torch's own threads would only fight them for the cores.
        torch.set_num_threads(1);
        _team = new(threads);
        _partial = new double[threads];
    }

    /// <inheritdoc />
    public void BeginEpoch(ulong dropoutKey) => _dropoutKey = dropoutKey;

    /// <inheritdoc />
    public StepResult Step(ReadOnlySpan<int> samples)
    {
        for (var s = 0; s < samples.Length; s++) _labels[s] = _set.Labels[samples[s]];
        _user.Side.Load(samples, _set.UserIndex);
        _item.Side.Load(samples, _set.ItemIndex);
        var (userDropout, itemDropout) = (Masks(0), Masks(1));
        var count = samples.Length;

        _team.Run(share =>
        {
            var (begin, end) = _user.Side.Share(share, _team.Size);
            _user.Forward(begin, end, userDropout);
            (begin, end) = _item.Side.Share(share, _team.Size);
            _item.Forward(begin, end, itemDropout);
        });
        _team.Run(share =>
        {
            var (begin, end) = _user.Side.Share(share, _team.Size);
            _partial[share] = Loss(_user.Side.FirstEncoding[begin], _user.Side.FirstEncoding[end], count);
            _user.Backward(begin, end, userDropout);
        });
        var loss = _partial.Sum() / count;
        if (!double.IsFinite(loss)) return new(loss, double.NaN);
        _team.Run(share =>
        {
            var (begin, end) = _item.Side.Share(share, _team.Size);
            ItemGradients(_item.Side.FirstEncoding[begin], _item.Side.FirstEncoding[end]);
            _item.Backward(begin, end, itemDropout);
        });
        _team.Run(share =>
        {
            _user.WeightGradients(_team, share);
            _item.WeightGradients(_team, share);
        });
        _team.Run(share =>
        {
            var (begin, end) = _team.Part(share, _layout.Length, 16);
            _partial[share] = FlatAdamW.SumOfSquares(_gradients.Span(begin, end - begin));
        });
        var norm = Math.Sqrt(_partial.Sum());
        if (!double.IsFinite(norm)) return new(loss, norm);
        // As torch's clip_grad_norm_: the small term keeps a zero gradient from dividing by zero.
        var clip = (float)Math.Min(1, _recipe.Training.GradientClipNorm / (norm + 1e-6));
        _adamW.Steps++;
        _team.Run(share =>
        {
            var (begin, end) = _team.Part(share, _layout.Length, 16);
            _adamW.Update(_parameters, _gradients, begin, end, clip);
        });
        return new(loss, norm);
    }

    /// <inheritdoc />
    public (TowerWeights User, TowerWeights Item) Weights() => _layout.Read(_parameters);

    /// <inheritdoc />
    public OptimizerState Optimizer() => new(_layout.Read(_adamW.Mean), _layout.Read(_adamW.Square), _adamW.Steps);

    /// <inheritdoc />
    public (float[] Users, float[] Items) Embed() => (Embed(_user, _set.Users.Count), Embed(_item, _set.Items.Count));

    /// <inheritdoc />
    public void Dispose()
    {
        _team.Dispose();
        _user.Dispose();
        _item.Dispose();
        _adamW.Dispose();
        _parameters.Dispose();
        _gradients.Dispose();
    }

    // For the samples of a range of user encodings: loss, its slope by the score, and the gradient of the user embeddings.
    private double Loss(int from, int to, int count)
    {
        var loss = 0.0;
        for (var e = from; e < to; e++)
        {
            var user = _user.Embedding(e);
            var gradient = _user.EmbeddingGradient(e);
            gradient.Clear();
            for (var i = _user.Side.FirstSample[e]; i < _user.Side.FirstSample[e + 1]; i++)
            {
                var sample = _user.Side.Samples[i];
                var item = _item.Embedding(_item.Side.EncodingOf[sample]);
                double score = TensorPrimitives.Dot<float>(user, item);
                loss += BinaryCrossEntropy.Loss(score, _labels[sample], _recipe.Training.LogitScale);
                _slope[sample] = (float)(BinaryCrossEntropy.Slope(score, _labels[sample], _recipe.Training.LogitScale) / count);
                TensorPrimitives.MultiplyAdd(item, _slope[sample], gradient, gradient);
            }
        }

        return loss;
    }

    private void ItemGradients(int from, int to)
    {
        for (var e = from; e < to; e++)
        {
            var gradient = _item.EmbeddingGradient(e);
            gradient.Clear();
            for (var i = _item.Side.FirstSample[e]; i < _item.Side.FirstSample[e + 1]; i++)
            {
                var sample = _item.Side.Samples[i];
                TensorPrimitives.MultiplyAdd(_user.Embedding(_user.Side.EncodingOf[sample]), _slope[sample], gradient, gradient);
            }
        }
    }

    private Dropout[] Masks(int tower)
    {
        var masks = new Dropout[_recipe.Model.HiddenDims.Count];
        for (var l = 0; l < masks.Length; l++)
        {
            masks[l] = new(_recipe.Model.Dropout[l], Mix(_dropoutKey + (ulong)_adamW.Steps * 32 + (ulong)(tower * 16 + l)));
        }

        return masks;
    }

    private float[] Embed(CpuTower tower, int rows)
    {
        var dim = _recipe.Model.EmbeddingDim;
        var embeddings = new float[rows * dim];
        var off = Enumerable.Repeat(Dropout.Off, _recipe.Model.HiddenDims.Count).ToArray();
        for (var first = 0; first < rows; first += EmbeddingRows)
        {
            var count = Math.Min(EmbeddingRows, rows - first);
            tower.Side.LoadRows(first, count);
            _team.Run(share =>
            {
                var (begin, end) = tower.Side.Share(share, _team.Size);
                tower.Forward(begin, end, off);
                for (var row = begin; row < end; row++) tower.Embedding(row).CopyTo(embeddings.AsSpan((first + row) * dim, dim));
            });
        }

        return embeddings;
    }

    // SplitMix64's finaliser: neighbouring counters give unrelated masks.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
