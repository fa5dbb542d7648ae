using System.Numerics.Tensors;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Factors;
using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Baselines;

/// <summary>iALS by itself, at the options of its authors (<see cref="ImplicitFactors"/>): the defaults are the protocol's.</summary>
internal sealed class Ials : IScorer
{
    private readonly ImplicitFactors _factors;
    private readonly NormalEquations _equations;

    private Ials(ImplicitFactors factors) => (_factors, _equations) = (factors, new(factors.Dim));

    /// <summary>Fits the factors by alternating least squares.</summary>
    public static Ials Fit(Split split, IalsOptions options, int seed, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(split);
        return new(ImplicitFactors.Fit(
            split.TrainingUsers.Select(user => user.Likes), split.Items.Count, options, new SeededRandom(seed, RandomPurpose.Baselines),
            Environment.ProcessorCount, ct));
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var dim = _factors.Dim;
        var user = new float[dim];
        _factors.FoldIn(query.Likes, user, _equations);
        for (var item = 0; item < scores.Length; item++) scores[item] =
            TensorPrimitives.Dot<float>(user, _factors.Items.AsSpan(item * dim, dim));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
