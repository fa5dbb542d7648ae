using TwoTower.Core.Artifacts;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// Orders candidates by more than the model knows: 0.75 × similarity + release recency + price (contract, section 9). Popular-and-fresh
/// puts the popularity in the similarity's place. Pure.
/// </summary>
internal static class ReRanker
{
    private static readonly RankingRules Rules = new() { ReRank = true };

    /// <summary>The value that an answer is ordered by.</summary>
    /// <param name="value">Cosine −1..1 or popularity 0..1.</param>
    /// <param name="releasedAt">Release; null adds nothing.</param>
    /// <param name="price">Price; null adds nothing.</param>
    /// <param name="asOf">Time that recency is counted to.</param>
    public static double Score(double value, DateTimeOffset? releasedAt, decimal? price, DateTimeOffset asOf) =>
        Rules.SimilarityWeight * value + Recency(releasedAt, asOf) + PriceTerm(price);

    /// <summary>0.3 · e^(−days / 120): 0.3 on the day of the release, a third of it after four months; 0.1 before the release.</summary>
    public static double Recency(DateTimeOffset? releasedAt, DateTimeOffset asOf)
    {
        if (releasedAt is not { } released) return 0;
        var days = (asOf - released).TotalDays;
        return days < 0 ? Rules.UpcomingBoost : Rules.RecencyBoost * Math.Exp(-days / Rules.RecencyDays);
    }

    /// <summary>Free +.02, under 800 +.03, over 4,000 −.05.</summary>
    public static double PriceTerm(decimal? price) => price switch
    {
        null => 0,
        <= 0 => Rules.FreeBonus,
        { } paid when paid < Rules.CheapBelow => Rules.CheapBonus,
        { } paid when paid > Rules.DearAbove => Rules.DearMalus,
        _ => 0,
    };

    /// <summary>The best <paramref name="limit"/> candidates in order, with the value that they are ordered by; equal ones by id.</summary>
    /// <param name="candidates">What the search found.</param>
    /// <param name="limit">How many to keep.</param>
    /// <param name="asOf">Time that recency is counted to.</param>
    /// <param name="reRank">False orders by the value alone.</param>
    public static IReadOnlyList<(Candidate Candidate, double RankScore)> Best(
        IReadOnlyList<Candidate> candidates, int limit, DateTimeOffset asOf, bool reRank)
    {
        var ranked = new (Candidate Candidate, double RankScore)[candidates.Count];
        for (var i = 0; i < ranked.Length; i++)
        {
            var candidate = candidates[i];
            ranked[i] = (candidate, reRank
                ? Score(candidate.Value, candidate.Video.ReleasedAt, candidate.Video.Price, asOf)
                : candidate.Value);
        }

        Array.Sort(ranked, static (a, b) =>
            b.RankScore.CompareTo(a.RankScore) is var order and not 0 ? order : a.Candidate.Video.Id.CompareTo(b.Candidate.Video.Id));
        return ranked.Length > limit ? ranked[..limit] : ranked;
    }

    /// <summary>
    /// The best <paramref name="limit"/> candidates, every so-manieth place kept for a fresh one that would have had none: the newest of them first. It
    /// is ordered by the value of the one before it.
    /// </summary>
    /// <param name="candidates">What the search found.</param>
    /// <param name="limit">How many to keep.</param>
    /// <param name="asOf">Time that recency is counted to.</param>
    /// <param name="every">Which places: 5 is the fifth, the tenth, …; 0 is none.</param>
    /// <param name="fresh">How long after its release a video is fresh.</param>
    public static IReadOnlyList<(Candidate Candidate, double RankScore)> BestAndFresh(
        IReadOnlyList<Candidate> candidates, int limit, DateTimeOffset asOf, int every, TimeSpan fresh)
    {
        var ranked = Best(candidates, candidates.Count, asOf, reRank: true);
        if (every == 0 || ranked.Count <= limit || limit < every) return Best(candidates, limit, asOf, reRank: true);
        var shown = ranked.Take(limit).Select(video => video.Candidate.Video.Id).ToHashSet();
        var waiting = new Queue<Candidate>(candidates
            .Where(one => one.Video.ReleasedAt is { } released && released <= asOf && asOf - released <= fresh
                && !shown.Contains(one.Video.Id))
            .OrderByDescending(one => one.Video.ReleasedAt).ThenBy(one => one.Video.Id));
        var next = new Queue<(Candidate Candidate, double RankScore)>(ranked);
        List<(Candidate Candidate, double RankScore)> answer = [];
        while (answer.Count < limit)
        {
            answer.Add((answer.Count + 1) % every == 0 && waiting.TryDequeue(out var newest)
                ? (newest, answer.Count == 0 ? next.Peek().RankScore : answer[^1].RankScore)
                : next.Dequeue());
        }

        return answer;
    }
}
