using TwoTower.Core.Quality;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>How a release answered each question; the same place in each list is the same user.</summary>
/// <param name="Recall20">Recall@20 of each user.</param>
/// <param name="Ndcg100">NDCG@100 of each user.</param>
/// <param name="Nope20">Held-out nopes among the first 20 ÷ 20, of each user.</param>
internal sealed record ReleaseQuality(double[] Recall20, double[] Ndcg100, double[] Nope20)
{
    private const int Head = 100;

    /// <summary>Asks a release: the encoder of a live request, features from the fold-in only, exact ranking over its own
    /// vectors.</summary>
    /// <param name="encoder">Its way from a history to an embedding.</param>
    /// <param name="queries">The questions; each has a target among the items.</param>
    /// <param name="items">The items that are ranked, by video, numbered in order of id.</param>
    public static async Task<ReleaseQuality> MeasureAsync(
        ReleaseVectors vectors, IHistoryEncoder encoder, IReadOnlyList<HeldOutQuery> queries, IReadOnlyDictionary<Guid, int> items,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(queries);
        var dim = encoder.EmbeddingDim;
        var users = new float[queries.Count * dim];
        Parallel.For(0, queries.Count, new ParallelOptions { CancellationToken = ct }, query =>
            encoder.Encode(queries[query].History, queries[query].AsOf, users.AsSpan(query * dim, dim)));

        var decided = queries.Select(query => Items(query.History.Entries.Select(entry => entry.VideoId))).ToList();
        var heads = await ExactRanking.HeadsAsync(vectors, items, users, decided, Head, ct);
        var quality = new ReleaseQuality(new double[queries.Count], new double[queries.Count], new double[queries.Count]);
        for (var query = 0; query < queries.Count; query++)
        {
            var targets = Items(queries[query].Targets);
            quality.Recall20[query] = Metrics.Recall(heads[query], targets, Metrics.Shown);
            quality.Ndcg100[query] = Metrics.Ndcg(heads[query], targets, Head);
            quality.Nope20[query] = Metrics.Nopes(heads[query], Items(queries[query].Nopes), Metrics.Shown);
        }

        return quality;

        HashSet<int> Items(IEnumerable<Guid> videos) =>
            [.. videos.Select(video => items.GetValueOrDefault(video, -1)).Where(item => item >= 0)];
    }
}
