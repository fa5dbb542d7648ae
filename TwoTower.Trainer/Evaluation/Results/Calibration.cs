namespace TwoTower.Trainer.Evaluation.Results;

/// <summary>How well probabilities fit: held-out likes and nopes in order of their probability, in bins of as many each.</summary>
public static class Calibration
{
    /// <summary>Bins.</summary>
    public const int Bins = 10;

    /// <summary>The bins of a contender's answers; none where it shows no probability or nothing was held out.</summary>
    public static IReadOnlyList<CalibrationBin> Of(IEnumerable<Answers> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        List<(double Probability, bool IsLike)> decisions = [];
        foreach (var answer in answers)
        {
            foreach (var result in answer.BySplit.SelectMany(results => results))
            {
                Add(result.Scores.Likes, true);
                Add(result.Scores.Nopes, false);
            }

            void Add(float[] scores, bool isLike)
            {
                foreach (var score in scores)
                {
                    if (answer.Probability(score) is { } probability) decisions.Add((probability, isLike));
                }
            }
        }

        var sorted = decisions.OrderBy(decision => decision.Probability).ToArray();
        var bins = Math.Min(Bins, sorted.Length);
        return
        [
            .. Enumerable.Range(0, bins).Select(bin => sorted[(int)((long)sorted.Length * bin / bins)..(int)((long)sorted.Length * (bin + 1) / bins)])
                .Select(bin => new CalibrationBin(bin.Average(d => d.Probability), bin.Average(d => d.IsLike ? 1.0 : 0), bin.Length)),
        ];
    }
}
