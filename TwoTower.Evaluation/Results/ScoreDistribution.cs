using TwoTower.Evaluation.Evaluators;

namespace TwoTower.Evaluation.Results;

/// <summary>How far apart the scores of held-out likes and nopes lie: two histograms over the same bins, which are equally wide.</summary>
/// <param name="Low">The lowest score: the first bin's lower end.</param>
/// <param name="High">The highest score: the last bin's upper end.</param>
/// <param name="Likes">[bins] held-out likes.</param>
/// <param name="Nopes">[bins] held-out nopes.</param>
internal sealed record ScoreDistribution(double Low, double High, IReadOnlyList<int> Likes, IReadOnlyList<int> Nopes)
{
    /// <summary>Bins.</summary>
    public const int Bins = 30;

    /// <summary>Width of a bin.</summary>
    public double Width => (High - Low) / Likes.Count;

    /// <summary>Of a model's answers; null where no nope was held out, or all scores are the same.</summary>
    public static ScoreDistribution? Of(IEnumerable<Answers> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var scores = answers.SelectMany(answer => answer.BySplit).SelectMany(results => results).Select(result => result.Scores).ToList();
        var (likes, nopes) = (scores.SelectMany(of => of.Likes).ToList(), scores.SelectMany(of => of.Nopes).ToList());
        if (likes.Count == 0 || nopes.Count == 0) return null;
        double low = Math.Min(likes.Min(), nopes.Min()), high = Math.Max(likes.Max(), nopes.Max());
        return high > low && double.IsFinite(high - low) ? new(low, high, Count(likes, low, high), Count(nopes, low, high)) : null;
    }

    private static int[] Count(List<float> scores, double low, double high)
    {
        var counts = new int[Bins];
        foreach (var score in scores) counts[Math.Min(Bins - 1, (int)((score - low) / (high - low) * Bins))]++;
        return counts;
    }
}
