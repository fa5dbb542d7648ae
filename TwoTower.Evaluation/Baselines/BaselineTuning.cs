using System.Globalization;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Factors;
using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Baselines;

/// <summary>
/// Chooses a baseline's regularisation inside of the training data: some users are left out, a fifth of their likes is to be found from the
/// rest, and what has the highest ndcg@100 is kept. Whoever is asked by the protocol is in neither part.
/// </summary>
/// <param name="split">What may be learned from.</param>
/// <param name="given">Settings that aren't tuned.</param>
/// <param name="say">Told what was chosen, and among what.</param>
internal sealed class BaselineTuning(Split split, BaselineSettings given, Action<string> say, CancellationToken ct)
{
    /// <summary>Items at most that EASE is tuned with: the most liked. Each λ takes an inverse of items × items.</summary>
    public const int MostItems = 3000;

    private const int LeastLikes = 5, Parts = 5, LeastUsers = 20, MostUsers = 300, TuningEpochs = 5, TuningDimensions = 64;

    // Whatever the seeds of the run: every seed is tuned on the same users.
    private const int Seed = 42;

    // Times the likes of an item, in the mean.
    private static readonly double[] Lambdas = [0.1, 0.3, 1, 3, 10, 30, 100];
    private static readonly double[] Regularizations = [0.002, 0.007, 0.02, 0.06];
    private static readonly int[] Dimensions = [32, 128];

    /// <summary>λ of EASE: given, tuned, or the default where there are too few users to tune on.</summary>
    public double Lambda()
    {
        if (given.Find(BaselineSettings.Lambda) is { } fixedValue) return fixedValue;
        if (Inner(MostItems) is not { } inner) return Untuned("ease", Ease.DefaultLambda);
        var unit = Math.Max(0.1, inner.LikeCounts.Average());
        var tried = Lambdas.Select(times => (Value: times * unit, Ndcg: Ndcg(inner, Ease.Fit(inner, times * unit, ct)))).ToList();
        return Best("ease", "λ", inner, tried);
    }

    /// <summary>Options of iALS, likewise; the number of dimensions at the regularisation that was chosen with fewer.</summary>
    public IalsOptions Ials(int seed)
    {
        IalsOptions options = new();
        options = options with
        {
            UnobservedWeight = given.Find(BaselineSettings.UnobservedWeight) ?? options.UnobservedWeight,
            Epochs = (int)(given.Find(BaselineSettings.Epochs) ?? options.Epochs),
        };
        var (dimensions, regularization) = (given.Find(BaselineSettings.Dimensions), given.Find(BaselineSettings.Regularization));
        var inner = dimensions is null || regularization is null ? Inner(int.MaxValue) : null;
        if (regularization is null && inner is not null)
        {
            regularization = Best("ials", "regularisation", inner, [.. Regularizations.Select(value => (value, Try(value, (int)(dimensions ?? TuningDimensions))))]);
        }

        var chosen = regularization ?? Untuned("ials", options.Regularization);
        if (dimensions is null && inner is not null)
        {
            dimensions = Best("ials", "dimensions", inner, [.. Dimensions.Append(TuningDimensions).Order().Select(value => ((double)value, Try(chosen, value)))]);
        }

        return options with { Dim = (int)(dimensions ?? options.Dim), Regularization = chosen };

        double Try(double value, int dim) => Ndcg(inner!, Baselines.Ials.Fit(
            inner!, options with { Dim = dim, Regularization = value, Epochs = Math.Min(TuningEpochs, options.Epochs) }, seed, ct));
    }

    // The same training without some users, who are asked; null where they are too few. Of the items the most liked.
    internal Split? Inner(int mostItems)
    {
        var users = Decided.ByUser(split.Training.Decisions);
        var latest = users.ToDictionary(user => user.Key, user => Decided.Latest(user.Value, split.ItemOf));
        Guid[] able = [.. latest.Where(user => Decided.Of(user.Value, DecisionType.Like).Length >= LeastLikes).Select(user => user.Key)];
        if (able.Length < LeastUsers) return null;
        new SeededRandom(Seed, RandomPurpose.LeftOut).Shuffle<Guid>(able);
        var leftOut = able[..Math.Min(MostUsers, able.Length / Parts)].ToHashSet();
        int[] kept =
            [.. Enumerable.Range(0, split.Items.Count).OrderByDescending(item => split.LikeCounts[item]).ThenBy(item => item).Take(
                mostItems).Order()];
        VideoRow[] items = [.. kept.Select(item => split.Items[item])];
        var training = split.Training with { Decisions = [.. split.Training.Decisions.Where(row => !leftOut.Contains(row.UserId))] };
        var itemOf = items.Select((video, item) => (video.Id, item)).ToDictionary(pair => pair.Id, pair => pair.item);
        List<Query> queries = [];
        foreach (var user in able.Where(leftOut.Contains))
        {
            var decided = Decided.Latest(users[user], itemOf);
            int[] likes = Decided.Of(decided, DecisionType.Like), nopes = Decided.Of(decided, DecisionType.Nope);
            if (likes.Length < LeastLikes) continue;
            new SeededRandom(queries.Count, RandomPurpose.LeftOut).Shuffle<int>(likes);
            var found = likes.Length / Parts;
            queries.Add(new(new(user, new(null), []), [.. likes[found..].Order()], nopes, likes[..found], []));
        }

        return queries.Count == 0 ? null : new("tuning", training, items, [.. items.Select(_ => true)], queries, split.AsOf);
    }

    private double Ndcg(Split inner, IScorer scorer)
    {
        using var model = scorer;
        ct.ThrowIfCancellationRequested();
        var scores = new float[inner.Items.Count];
        return inner.Queries.Average(query =>
        {
            model.Score(query, scores);
            return Metrics.Ndcg(
                Ranking.Top(scores, inner.IsRanked, query, RankingMetrics.Kept), query.Targets.ToHashSet(), RankingMetrics.Kept);
        });
    }

    private double Best(string baseline, string setting, Split inner, List<(double Value, double Ndcg)> tried)
    {
        var best = tried.MaxBy(one => one.Ndcg).Value;
        say(string.Create(
            CultureInfo.InvariantCulture,
            $"{baseline}: {setting} {best:0.####}, chosen on {inner.Queries.Count} users of the training by ndcg@100 "
                + $"({string.Join(", ", tried.Select(one => $"{Show(one.Value)} {Show(one.Ndcg)}"))})"));
        return best;

        static string Show(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
    }

    private double Untuned(string baseline, double value)
    {
        say(string.Create(
            CultureInfo.InvariantCulture, $"{baseline}: fewer than {LeastUsers} users of the training have {LeastLikes} likes to be tuned on: its default, {value}, is used"));
        return value;
    }
}
