using TwoTower.Core.Rows;
using TwoTower.Training.Histories;

namespace TwoTower.Evaluation.Queries;

/// <summary>Rows to learn from, items to rank, and queries that the rows don't know; one fit of every model.</summary>
/// <param name="Name">Which of the protocol's splits it is: <c>held-out-users</c>, <c>time 50 %</c>.</param>
/// <param name="Training">All that a model may learn from.</param>
/// <param name="Items">Every video that may be in a history or a ranking; their order breaks ties.</param>
/// <param name="IsRanked">[Items.Count]; false: only ever part of a history.</param>
/// <param name="Queries">What is asked.</param>
/// <param name="AsOf">The moment of the requests: the latest decision of the training.</param>
internal sealed record Split(
    string Name, TableSet Training, IReadOnlyList<VideoRow> Items, bool[] IsRanked, IReadOnlyList<Query> Queries, DateTimeOffset AsOf)
{
    /// <summary>Items that are ranked.</summary>
    public int RankedCount { get; } = IsRanked.Count(ranked => ranked);

    /// <summary>The item of a video.</summary>
    public IReadOnlyDictionary<Guid, int> ItemOf { get; } =
        Items.Select((video, index) => (video.Id, index)).ToDictionary(pair => pair.Id, pair => pair.index);

    /// <summary>What each user of the training decided: items, each once, likes and nopes.</summary>
    public IReadOnlyList<(int[] Likes, int[] Nopes)> TrainingUsers => field ??= ReadUsers();

    /// <summary>[Items.Count] likes of each item in training, a user counted once.</summary>
    public int[] LikeCounts => field ??= Count(user => user.Likes);

    /// <summary>[Items.Count] nopes of each item in training.</summary>
    public int[] NopeCounts => field ??= Count(user => user.Nopes);

    /// <summary>What the catalogue says of the items.</summary>
    public ContentVectors Contents => field ??= new(Items);

    /// <summary>[Items.Count] the bucket of <see cref="Buckets.Popularity"/> of each item.</summary>
    public int[] PopularityBuckets => field ??= Buckets.OfPopularity(LikeCounts);

    private List<(int[], int[])> ReadUsers() =>
    [
        .. Decided.ByUser(Training.Decisions).Values.Select(rows => Decided.Latest(rows, ItemOf)).Where(latest => latest.Count > 0)
            .Select(latest => (Decided.Of(latest, DecisionType.Like), Decided.Of(latest, DecisionType.Nope))),
    ];

    private int[] Count(Func<(int[] Likes, int[] Nopes), int[]> side)
    {
        var counts = new int[Items.Count];
        foreach (var user in TrainingUsers)
        {
            foreach (var item in side(user)) counts[item]++;
        }

        return counts;
    }
}
