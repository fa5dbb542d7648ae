using System.ComponentModel.DataAnnotations;

namespace TwoTower.Postgres.Serving;

/// <summary>How a recommendation is made: settings section <c>TwoTower:Recommendation</c>.</summary>
public sealed class RecommendationOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Recommendation";

    /// <summary>Most candidates that a search returns, as the SQL function clamps it.</summary>
    public const int MostCandidates = 500;

    /// <summary>Candidates to search for, for each video of the answer.</summary>
    [Range(1, 100)]
    public int CandidatesPerVideo { get; set; } = 4;

    /// <summary>
    /// Candidates to search for at least: the further the index looks, the surer it has the nearest; re-ranked, more let release and price
    /// weigh against more of the catalogue. More cost time.
    /// </summary>
    [Range(1, MostCandidates)]
    public int LeastCandidates { get; set; } = 200;

    /// <summary>
    /// True re-ranks by release recency and price, false answers in the order of the model's score alone; null, as the recipe of the
    /// release has it (<c>serving.re_rank</c>).
    /// </summary>
    public bool? ReRank { get; set; }

    /// <summary>
    /// Of how many popular videos one makes place for a fresh one, the newest that isn't among them, for users without likes: what nobody
    /// has seen can't be liked. 0: none does.
    /// </summary>
    [Range(0, 100)]
    public int FreshEvery { get; set; } = 5;

    /// <summary>Days after its release that a video is fresh.</summary>
    [Range(1, 3_650)]
    public int FreshDays { get; set; } = 30;

    /// <summary>Shared tags and performers that an answer names as the reasons for a video.</summary>
    [Range(0, 20)]
    public int ReasonsPerVideo { get; set; } = 3;

    /// <summary>Releases whose tower is kept loaded, a few megabytes each: the active one, the one before, one being tried.</summary>
    [Range(1, 16)]
    public int LoadedTowers { get; set; } = 4;

    /// <summary>
    /// Answers as of this moment instead of now, to replay requests: what a user decides later counts for nothing but that it isn't shown
    /// again. Null: now.
    /// </summary>
    public DateTimeOffset? AsOf { get; set; }

    /// <summary>Candidates to search for, for an answer of <paramref name="limit"/> videos.</summary>
    public int Candidates(int limit) => Math.Clamp(Math.Max(CandidatesPerVideo * limit, LeastCandidates), limit, MostCandidates);
}
