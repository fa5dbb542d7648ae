using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Gate;
using TwoTower.Training.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Probabilities;

/// <summary>
/// Fits what makes probabilities of a release's scores, on the users whom no training sees: asked as the gate asks them, with what they had
/// decided up to a moment, through the release's own towers; what they liked and noped from then on are the labels (docs/recipes.md).
/// </summary>
internal static class HeldOutCalibration
{
    /// <summary>
    /// Likes and nopes that are needed, of each: with fewer, what is found of a logistic model's calibration is mostly chance (Vergouwe,
    /// Steyerberg, Eijkemans and Habbema, "Substantial effective sample sizes were required…", 2005).
    /// </summary>
    public const int LeastOfEach = 100;

    /// <summary>Decisions that a user is taken to have beside the own ones, liked as often as the training's.</summary>
    public const double PriorDecisions = 10;

    private const int Digits = 6;

    // The gate's, and by the same order: the same users.
    private static readonly int MaxUsers = new GateOptions().MaxUsers;

    /// <summary>The checkpoint with its calibration, where its recipe asks for one and enough was held out; as it is otherwise.</summary>
    /// <param name="checkpoint">What was trained.</param>
    /// <param name="tables">All rows, also those of the users who were left out.</param>
    /// <param name="payloads">The database that computes the videos' payloads; null takes them from the rows.</param>
    /// <param name="say">Told in one line what was fitted, or why not.</param>
    public static async Task<Checkpoint> AddAsync(
        Checkpoint checkpoint, TableSet tables, NpgsqlDataSource? payloads, Action<string>? say, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(tables);
        if (!checkpoint.Recipe.Serving.LikeProbability) return checkpoint;
        using var activity = TrainingTelemetry.Source.StartActivity("calibration");
        var share = checkpoint.Recipe.Samples.HeldOutUsers;
        if (share <= 0) return Without("samples.held_out_users is 0, every user was trained on");

        var trained =
            tables.Decisions.Where(decision => !HeldOutUsers.Contains(decision.UserId, share)).CountBy(
                decision => decision.Type).ToDictionary();
        var (likes, nopes) = (trained.GetValueOrDefault(DecisionType.Like), trained.GetValueOrDefault(DecisionType.Nope));
        if (likes == 0 || nopes == 0) return Without($"the training has {likes} likes and {nopes} nopes, both are needed");

        var prior = Math.Round(PriorDecisions * likes / (likes + nopes), Digits);
        var queries = Queries(tables, share);
        var decisions = await DecideAsync(checkpoint, tables, payloads, queries, (prior, PriorDecisions - prior), ct);
        var (liked, noped) = (decisions.Count(decision => decision.IsLike), decisions.Count(decision => !decision.IsLike));
        if (liked < LeastOfEach || noped < LeastOfEach)
        {
            return Without($"{liked} likes and {noped} nopes of {queries.Count} users were held out, {LeastOfEach} of each are needed (samples.held_out_users {share})");
        }

        var fit = PlattScaling.Fit(decisions);
        var (slope, intercept, rate) =
            (Math.Round(fit.Slope, Digits), Math.Round(fit.Intercept, Digits), Math.Round(fit.RateWeight, Digits));
        if (!(slope > 0)) return Without(FormattableString.Invariant($"the held-out users like no more of what scores high (slope {slope:G3})"));
        var calibration = new LikeCalibration(slope, intercept, rate, prior, PriorDecisions - prior, queries.Count, liked, noped);
        say?.Invoke(FormattableString.Invariant(
            $"like probability: fitted on {liked:N0} likes and {noped:N0} nopes of {queries.Count:N0} held-out users (slope {slope:F2}, intercept {intercept:F2}, rate {rate:F2})"));
        return checkpoint with { Calibration = calibration };

        Checkpoint Without(string why)
        {
            say?.Invoke($"no like probability: {why}");
            return checkpoint with { Calibration = null };
        }
    }

    private static List<HeldOutQuery> Queries(TableSet tables, double share)
    {
        var known = tables.Videos.Select(video => video.Id).ToHashSet();
        var heldOut = tables with
        {
            Profiles = [.. tables.Profiles.Where(profile => HeldOutUsers.Contains(profile.UserId, share))],
            Decisions = [.. tables.Decisions.Where(decision => HeldOutUsers.Contains(decision.UserId, share))],
        };
        return
        [
            .. PayloadBuilder.Histories(heldOut)
                .Select(user =>
                    HeldOutQuery.Split(
                        user.UserId, user.Profile, [.. user.Entries.Select(entry => (entry, known.Contains(entry.VideoId)))]))
                .OfType<HeldOutQuery>()
                .OrderBy(query => UserShare.Of(query.History.UserId, HeldOutUsers.Salt)).ThenBy(query => query.History.UserId)
                .Take(MaxUsers),
        ];
    }

    private static async Task<List<ScoredDecision>> DecideAsync(
        Checkpoint checkpoint, TableSet tables, NpgsqlDataSource? payloads, List<HeldOutQuery> queries, (double Likes, double Nopes) prior,
        CancellationToken ct)
    {
        var wanted =
            queries.SelectMany(
                query => query.History.Entries.Select(entry => entry.VideoId).Concat(query.Targets).Concat(query.Nopes)).ToHashSet();
        var items = await ReadAsync(checkpoint, tables, payloads, wanted, ct);
        using var model = ModelInMemory.Load(checkpoint with { Calibration = null }, "the trained model", items, ct);
        var itemOf = items.Select((item, index) => (item.VideoId, index)).ToDictionary(pair => pair.VideoId, pair => pair.index);
        var decisions = new List<ScoredDecision>();
        foreach (var query in queries)
        {
            ct.ThrowIfCancellationRequested();
            var user = model.Encode(query.History, query.AsOf);
            var rate = LikeCalibration.RateLogit(model.Decisions(query.History, query.AsOf), prior.Likes, prior.Nopes);
            Add(query.Targets, true);
            Add(query.Nopes, false);

            void Add(IEnumerable<Guid> videos, bool isLike) =>
                decisions.AddRange(
                    videos.Where(itemOf.ContainsKey).Select(video => new ScoredDecision(model.Score(user, itemOf[video]), rate, isLike)));
        }

        return decisions;
    }

    private static async Task<List<ItemPayload>> ReadAsync(
        Checkpoint checkpoint, TableSet tables, NpgsqlDataSource? payloads, HashSet<Guid> wanted, CancellationToken ct)
    {
        if (payloads is null) return [.. tables.Videos.Where(video => wanted.Contains(video.Id)).Select(PayloadBuilder.BuildItem)];
        var items = new List<ItemPayload>();
        await foreach (
            var item in PayloadReader.ReadItemsAsync(payloads, wanted, checkpoint.Recipe.Features.VideoFeatures ?? [], ct)) items.Add(item);
        return items;
    }
}
