namespace TwoTower.Core.Artifacts;

/// <summary>
/// How an answer is made of candidates, <c>ranking</c> of <c>model_meta.json</c>: what readers in other languages need besides the model
/// (contract,
/// section 9). This program has these numbers from here, too.
/// </summary>
public sealed record RankingRules
{
    /// <summary>Whether candidates are re-ranked; false leaves the order of the similarity.</summary>
    public required bool ReRank { get; init; }

    /// <summary>What the similarity is multiplied by.</summary>
    public double SimilarityWeight { get; init; } = 0.75;

    /// <summary>Added on the day of the release.</summary>
    public double RecencyBoost { get; init; } = 0.3;

    /// <summary>Days after which a boost is 1/e of that.</summary>
    public double RecencyDays { get; init; } = 120;

    /// <summary>Added before the release.</summary>
    public double UpcomingBoost { get; init; } = 0.1;

    /// <summary>Added at a price of 0 or less.</summary>
    public double FreeBonus { get; init; } = 0.02;

    /// <summary>Added below <see cref="CheapBelow"/>.</summary>
    public double CheapBonus { get; init; } = 0.03;

    /// <summary>Prices below this are cheap.</summary>
    public decimal CheapBelow { get; init; } = 800;

    /// <summary>Added above <see cref="DearAbove"/>.</summary>
    public double DearMalus { get; init; } = -0.05;

    /// <summary>Prices above this are dear.</summary>
    public decimal DearAbove { get; init; } = 4_000;

    /// <summary>Candidates searched for, for each video of the answer.</summary>
    public int CandidatesPerVideo { get; init; } = 4;

    /// <summary>Candidates searched for at least.</summary>
    public int LeastCandidates { get; init; } = 200;

    /// <summary>Candidates that a search gives at most.</summary>
    public int MostCandidates { get; init; } = 500;

    /// <summary>What orders equal values, ascending.</summary>
    public string Ties { get; init; } = "video_id";
}
