using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop;

/// <summary>
/// The straightforward path: a dense row for each sample of the batch, autograd, on CPU or CUDA. The yardstick for every shortcut, and
/// what a GPU runs. One difference to the original: evaluation embeds each distinct row once, which without dropout is the same.
/// </summary>
internal sealed class TorchBackend : ITrainingBackend
{
    // Rows encoded at a time outside of training: large enough to keep the matrix kernels busy, small enough to stay in the cache.
    private const int EmbeddingRows = 1024;

    private readonly TrainingSet _set;
    private readonly Recipe _recipe;
    private readonly Device _device;
    private readonly ScalarType _precision;
    private readonly TorchTower _user, _item;
    private readonly Parameter[] _parameters;
    private readonly AdamW _adamW;

    /// <summary>Puts the towers on the device; resumes <paramref name="optimizer"/> if there is one.</summary>
    /// <param name="set">What is trained on.</param>
    /// <param name="start">Initial weights.</param>
    /// <param name="optimizer">Where the optimiser was.</param>
    /// <param name="device">CPU or CUDA.</param>
    /// <param name="precision">Single, or double to compare with an oracle that is.</param>
    public TorchBackend(
        TrainingSet set, Recipe recipe, (TowerWeights User, TowerWeights Item) start, OptimizerState? optimizer, DeviceType device,
        ScalarType precision = ScalarType.Float32)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        (_set, _recipe, _device, _precision) = (set, recipe, new Device(device), precision);
        (_user, _item) = (new(start.User, recipe.Model), new(start.Item, recipe.Model));
        _user.to(_device, precision);
        _item.to(_device, precision);
        _parameters = [.. _user.parameters().Concat(_item.parameters())];
        _adamW = new(_parameters, recipe.Training);
        if (optimizer is not null) Restore(optimizer);
    }

    /// <inheritdoc />
    public void BeginEpoch(ulong dropoutKey) => manual_seed((long)(dropoutKey >> 1));

    /// <inheritdoc />
    public StepResult Step(ReadOnlySpan<int> samples)
    {
        using var scope = NewDisposeScope();
        _user.train();
        _item.train();
        var users = _user.forward(Rows(_set.Users, samples, _set.UserIndex));
        var items = _item.forward(Rows(_set.Items, samples, _set.ItemIndex));
        var labels = new float[samples.Length];
        for (var i = 0; i < labels.Length; i++) labels[i] = _set.Labels[samples[i]];
        var loss =
            nn.functional.binary_cross_entropy_with_logits(
                (users * items).sum(1).Times(_recipe.Training.LogitScale), tensor(labels).to(_precision, _device));
        foreach (var parameter in _parameters) parameter.grad?.zero_();
        loss.backward();
        var value = loss.to(ScalarType.Float64).item<double>();
        var norm = nn.utils.clip_grad_norm_(_parameters, _recipe.Training.GradientClipNorm);
        if (double.IsFinite(value) && double.IsFinite(norm)) _adamW.Step(_recipe.Training.Lr);
        return new(value, norm);
    }

    /// <inheritdoc />
    public (TowerWeights User, TowerWeights Item) Weights() => (_user.Read(p => p), _item.Read(p => p));

    /// <inheritdoc />
    public OptimizerState Optimizer() => new(
        (_user.Read(_adamW.Mean), _item.Read(_adamW.Mean)), (_user.Read(_adamW.Square), _item.Read(_adamW.Square)), _adamW.Steps);

    /// <inheritdoc />
    public (float[] Users, float[] Items) Embed() => (Embed(_user, _set.Users), Embed(_item, _set.Items));

    /// <inheritdoc />
    public void Dispose()
    {
        _adamW.Dispose();
        _user.Dispose();
        _item.Dispose();
    }

    private float[] Embed(TorchTower tower, FeatureMatrix matrix)
    {
        using var frozen = no_grad();
        tower.eval();
        var dim = _recipe.Model.EmbeddingDim;
        var embeddings = new float[matrix.Count * dim];
        var rows = new int[matrix.Count];
        for (var i = 0; i < rows.Length; i++) rows[i] = i;
        for (var first = 0; first < rows.Length; first += EmbeddingRows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(EmbeddingRows, rows.Length - first);
            var part = tower.forward(Rows(matrix, rows.AsSpan(first, count), rows)).to(ScalarType.Float32, CPU);
            part.data<float>().CopyTo(embeddings.AsSpan(first * dim, count * dim));
        }

        return embeddings;
    }

    private Tensor Rows(FeatureMatrix matrix, ReadOnlySpan<int> samples, int[] rowOf)
    {
        var rows = empty(samples.Length, matrix.Dim);
        var values = MemoryMarshal.Cast<byte, float>(rows.bytes);
        for (var i = 0; i < samples.Length; i++) matrix.CopyRow(rowOf[samples[i]], values.Slice(i * matrix.Dim, matrix.Dim));
        return rows.to(_precision, _device);
    }

    private void Restore(OptimizerState state)
    {
        using var frozen = no_grad();
        foreach (var (tower, mean, square) in new[]
        {
            (_user, state.FirstMoment.User, state.SecondMoment.User), (_item, state.FirstMoment.Item, state.SecondMoment.Item),
        })
        {
            using var scope = NewDisposeScope();
            var parameters = tower.parameters().ToArray();
            for (var l = 0; l < mean.Layers.Count; l++)
            {
                Copy(_adamW.Mean(parameters[2 * l]), mean.Layers[l].Weight);
                Copy(_adamW.Mean(parameters[2 * l + 1]), mean.Layers[l].Bias);
                Copy(_adamW.Square(parameters[2 * l]), square.Layers[l].Weight);
                Copy(_adamW.Square(parameters[2 * l + 1]), square.Layers[l].Bias);
            }
        }

        _adamW.Steps = state.Step;

        static void Copy(Tensor target, float[] values) => target.copy_(tensor(values).reshape(target.shape));
    }
}
