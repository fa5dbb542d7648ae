using TorchSharp.Modules;
using TwoTower.Core.Configuration;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop;

/// <summary>
/// AdamW (Loshchilov and Hutter) in torch operations, in the order of torch's own; ours, because TorchSharp's doesn't give its moments
/// out, and a checkpoint needs them.
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

    public void Step()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Steps++;
        var correction1 = 1 - Math.Pow(_options.Beta1, Steps);
        var correction2 = Math.Sqrt(1 - Math.Pow(_options.Beta2, Steps));
        foreach (var (parameter, mean, square) in _slots)
        {
            var gradient = parameter.grad!;
            parameter.mul_(1 - _options.Lr * _options.WeightDecay);
            mean.lerp_(gradient, 1 - _options.Beta1);
            square.mul_(_options.Beta2).addcmul_(gradient, gradient, 1 - _options.Beta2);
            var scale = square.sqrt().div_(correction2).add_(_options.Eps);
            parameter.addcdiv_(mean, scale, -_options.Lr / correction1);
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
