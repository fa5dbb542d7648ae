using TwoTower.Evaluation.Evaluators;

namespace TwoTower.Evaluation.Results;

/// <summary>How well probabilities fit: held-out likes and nopes in order of their probability, in bins of as many each.</summary>
internal static class Calibration
{
    /// <summary>Bins.</summary>
    public const int Bins = 10;

    // What is certain and wrong costs a lot, not everything.
    private const double Least = 1e-15;

    /// <summary>The held-out decisions with their probabilities, lowest first; none where none are shown.</summary>
    public static IReadOnlyList<(double Probability, bool IsLike)> Decisions(IEnumerable<QueryResult> results) =>
    [
        .. results.Select(result => result.Probabilities).OfType<(double[] Likes, double[] Nopes)>()
            .SelectMany(
                of => of.Likes.Select(probability => (probability, true)).Concat(of.Nopes.Select(probability => (probability, false))))
            .OrderBy(decision => decision.Item1),
    ];

    /// <summary>The bins of decisions that are ordered by their probability.</summary>
    public static IReadOnlyList<CalibrationBin> Bin(IReadOnlyList<(double Probability, bool IsLike)> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        var (count, bins) = (decisions.Count, Math.Min(Bins, decisions.Count));
        return
        [
            .. Enumerable.Range(0, bins)
                .Select(bin => decisions.Take((int)((long)count * bin / bins)..(int)((long)count * (bin + 1) / bins)).ToList())
                .Select(bin => new CalibrationBin(bin.Average(d => d.Probability), bin.Average(d => d.IsLike ? 1.0 : 0), bin.Count)),
        ];
    }

    /// <summary>Log loss and expected calibration error over the bins; null without decisions.</summary>
    public static ProbabilityErrors? Errors(IReadOnlyList<(double Probability, bool IsLike)> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        if (decisions.Count == 0) return null;
        var logLoss = decisions.Average(d => -Math.Log(Math.Max(Least, d.IsLike ? d.Probability : 1 - d.Probability)));
        var error = Bin(decisions).Sum(bin => bin.Decisions * Math.Abs(bin.Predicted - bin.Observed)) / decisions.Count;
        return new(decisions.Count, logLoss, error);
    }
}
