using TorchSharp.Modules;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using static TorchSharp.torch;

namespace TwoTower.Training.Towers;

/// <summary>
/// One tower in torch, contract section 5: Linear → ReLU → Dropout, for each hidden layer, then Linear and L2 normalisation.
/// [batch, features] → [batch, embedding], rows of unit length.
/// </summary>
internal sealed class TorchTower : nn.Module<Tensor, Tensor>
{
    private readonly Linear[] _layers;
    private readonly double[] _dropout;

    /// <summary>Builds the tower with these weights.</summary>
    public TorchTower(TowerWeights weights, ModelOptions model) : base("tower")
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(model);
        _dropout = [.. model.Dropout];
        _layers = [.. weights.Layers.Select(layer => nn.Linear(layer.InputDim, layer.OutputDim))];
        using var frozen = no_grad();
        for (var l = 0; l < _layers.Length; l++)
        {
            register_module($"l{l + 1}", _layers[l]);
            var layer = weights.Layers[l];
            using var weight = tensor(layer.Weight, layer.OutputDim, layer.InputDim);
            using var bias = tensor(layer.Bias);
            _layers[l].weight.copy_(weight);
            _layers[l].bias!.copy_(bias);
        }
    }

    /// <inheritdoc />
    public override Tensor forward(Tensor input)
    {
        var x = input;
        for (var l = 0; l < _layers.Length - 1; l++)
        {
            x = nn.functional.relu(_layers[l].forward(x));
            x = nn.functional.dropout(x, _dropout[l], training);
        }

        return nn.functional.normalize(_layers[^1].forward(x), p: 2, dim: 1, eps: 1e-12);
    }

    /// <summary>A copy of the weights, or of any tensors in their shape (moments): one weight and one bias a layer.</summary>
    internal TowerWeights Read(Func<Parameter, Tensor> of) => new([.. _layers.Select(layer => new LinearWeights(
        (int)layer.weight.shape[1], (int)layer.weight.shape[0], of((Parameter)layer.weight).ToFloats(),
        of((Parameter)layer.bias!).ToFloats()))]);
}
