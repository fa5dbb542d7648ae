using TorchSharp;
using TorchSharp.Modules;
using TwoTower.Core.Configuration;
using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop;

/// <summary>
/// AdamW (Loshchilov and Hutter) in torch operations, in the order of TorchSharp's own; ours, because that doesn't give its moments out,
/// which a checkpoint needs, and lets go of its numbers before torch has read them (<see cref="TensorNumbers"/>).
/// </summary>
internal sealed class AdamW : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly (Parameter Parameter, Tensor Mean, Tensor Square)[] _slots;

    public AdamW(IEnumerable<Parameter> parameters, TrainingOptions options)
    {
        _options = options;
        _slots = [.. parameters.Select(p => (p, zeros_like(p).DetachFromDisposeScope(), zeros_like(p).DetachFromDisposeScope()))];
    }

    public long Steps { get; set; }

    public Tensor Mean(Parameter parameter) => _slots.First(s => ReferenceEquals(s.Parameter, parameter)).Mean;

    public Tensor Square(Parameter parameter) => _slots.First(s => ReferenceEquals(s.Parameter, parameter)).Square;

    /// <summary>Moves the parameters by their gradients.</summary>
    /// <param name="rate">The learning rate of this step.</param>
    public void Step(double rate)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Steps++;
        using var decay = (1 - rate * _options.WeightDecay).ToScalar();
        using var beta1 = _options.Beta1.ToScalar();
        using var beta2 = _options.Beta2.ToScalar();
        using var fresh1 = (1 - _options.Beta1).ToScalar();
        using var fresh2 = (1 - _options.Beta2).ToScalar();
        using var size = (-(rate / (1 - Math.Pow(_options.Beta1, Steps)))).ToScalar();
        var correction = Math.Sqrt(1 - Math.Pow(_options.Beta2, Steps));
        foreach (var (parameter, mean, square) in _slots)
        {
            var gradient = parameter.grad!;
            parameter.mul_(decay);
            mean.mul_(beta1).add_(gradient, fresh1);
            square.mul_(beta2).addcmul_(gradient, gradient, fresh2);
            parameter.addcdiv_(mean, square.sqrt().Over(correction).Plus(_options.Eps), size);
        }
    }

    public void Dispose()
    {
        foreach (var (_, mean, square) in _slots)
        {
            mean.Dispose();
            square.Dispose();
        }
    }
}
