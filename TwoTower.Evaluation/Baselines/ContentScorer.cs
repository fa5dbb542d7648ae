using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Histories;

namespace TwoTower.Evaluation.Baselines;

/// <summary>Cosine of an item's TF-IDF vector of tags and performers with the sum of those that were liked; knows no other user.</summary>
internal sealed class ContentScorer(ContentVectors contents) : IScorer
{
    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var profile = new float[contents.TokenCount];
        foreach (var item in query.Likes)
        {
            foreach (var (token, weight) in contents[item]) profile[token] += weight;
        }

        var norm = MathF.Sqrt(profile.Sum(x => x * x));
        for (var item = 0; item < scores.Length; item++)
        {
            var sum = 0f;
            foreach (var (token, weight) in contents[item]) sum += profile[token] * weight;
            scores[item] = norm == 0 ? 0 : sum / norm;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
