using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Evaluators;

/// <summary>How one query was answered.</summary>
internal sealed record QueryResult
{
    /// <summary>The user: a bootstrap draws users, because one may have a query in several splits.</summary>
    public required Guid UserId { get; init; }

    /// <summary>Likes in the history.</summary>
    public required int HistoryLikes { get; init; }

    /// <summary>Decisions in the history; 0: the model knows nothing of the user.</summary>
    public required int HistoryDecisions { get; init; }

    /// <summary>Recall@20.</summary>
    public required double Recall20 { get; init; }

    /// <summary>Recall@50.</summary>
    public required double Recall50 { get; init; }

    /// <summary>NDCG@100.</summary>
    public required double Ndcg100 { get; init; }

    /// <summary>P(target scored above held-out nope); null without such a nope.</summary>
    public required double? UAuc { get; init; }

    /// <summary>Held-out nopes among the first 20 ÷ 20.</summary>
    public required double Nope20 { get; init; }

    /// <summary>1 − the mean cosine of the contents of two of the first 20.</summary>
    public required double Diversity { get; init; }

    /// <summary>Mean self-information of the first 20, bits.</summary>
    public required double Novelty { get; init; }

    /// <summary>Share of the first 20 that is of their most frequent maker; null where no maker is known.</summary>
    public required double? MakerShare { get; init; }

    /// <summary>Recall@20 of the targets of each popularity bucket (<see cref="Buckets.Popularity"/>); null without such a target.</summary>
    public required double?[] RecallByPopularity { get; init; }

    /// <summary>The first 100 items with their scores, best first.</summary>
    public required (int Item, float Score)[] Top { get; init; }

    /// <summary>Scores of the targets and of the held-out nopes: what a score tells a like from a nope by.</summary>
    public required (float[] Likes, float[] Nopes) Scores { get; init; }

    /// <summary>The probabilities of a like that are shown beside the model's scores of the same; null for a model that shows
    /// none.</summary>
    public (double[] Likes, double[] Nopes)? Probabilities { get; init; }
}
