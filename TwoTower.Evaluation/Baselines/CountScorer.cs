using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Baselines;

/// <summary>The same score for everybody: how popular or how well liked an item is.</summary>
internal sealed class CountScorer : IScorer
{
    private readonly float[] _scores;

    private CountScorer(float[] scores) => _scores = scores;

    /// <summary>Likes in training.</summary>
    public static CountScorer Popularity(Split split)
    {
        ArgumentNullException.ThrowIfNull(split);
        return new([.. split.LikeCounts.Select(likes => (float)likes)]);
    }

    /// <summary>The smoothed share of likes: (likes + 3) / (decisions + 4), three likes and a nope before the first decision.</summary>
    public static CountScorer LikeRatio(Split split)
    {
        ArgumentNullException.ThrowIfNull(split);
        return new([.. split.LikeCounts.Zip(split.NopeCounts, (likes, nopes) => (likes + 3f) / (likes + nopes + 4f))]);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores) => _scores.CopyTo(scores);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
