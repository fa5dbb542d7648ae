using System.Globalization;
using TwoTower.Postgres.Experiments.Comparison;

namespace TwoTower.Postgres.Experiments.Rollback;

/// <summary>Why a release is left again.</summary>
/// <param name="Rule">errors, empty_answers or likes_per_recommendation.</param>
/// <param name="Live">The number of the release that was activated.</param>
/// <param name="Previous">That of the release before.</param>
/// <param name="LiveCount">What it is a share of: requests, answers, recommendations.</param>
/// <param name="PreviousCount">The same of the release before.</param>
/// <param name="Margin">How much worse was allowed, in the number's unit.</param>
/// <param name="StandardError">Of the difference.</param>
/// <param name="Users">Distinct users that it happened to; of likes, those that count.</param>
internal sealed record RollbackReason(
    string Rule, double Live, double Previous, long LiveCount, long PreviousCount, double Margin, double StandardError, long Users)
{
    /// <summary>For the history.</summary>
    public override string ToString() => Rule switch
    {
        "errors" => string.Create(CultureInfo.InvariantCulture,
            $"{Live:0.0%} of {LiveCount:N0} requests failed because of the release, for {Users:N0} users; {Previous:0.0%} of {PreviousCount:N0} before"),
        "empty_answers" => string.Create(CultureInfo.InvariantCulture,
            $"{Live:0.0%} of {LiveCount:N0} answers had no video though there are some, for {Users:N0} users; {Previous:0.0%} of {PreviousCount:N0} before"),
        _ => string.Create(CultureInfo.InvariantCulture,
            $"{Live:0.0000} likes per recommendation over {LiveCount:N0}, of {Users:N0} users; {Previous:0.0000} over {PreviousCount:N0} before"),
    };
}

/// <summary>The rules. Pure.</summary>
internal static class RollbackRule
{
    /// <summary>Judges by what became of requests.</summary>
    /// <param name="live">Since the activation.</param>
    /// <param name="previous">Of the release before; a release that is known to have answered nothing is taken for one that never failed.</param>
    /// <param name="options">Margins.</param>
    /// <returns>Null: nothing that more than chance explains.</returns>
    public static RollbackReason? Judge(JudgedOutcomes live, JudgedOutcomes previous, RollbackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (live.Requests < options.MinRequests) return null;
        if (live.FailedUsers >= options.MinFailedUsers
            && Worse("errors", (live.Failed, live.Answers + live.Failed), (previous.Failed, previous.Answers + previous.Failed),
                options.ErrorMargin, live.FailedUsers, options) is { } errors)
        {
            return errors;
        }

        return live.EmptyUsers >= options.MinFailedUsers && previous.Requests >= options.MinRequests
            ? Worse("empty_answers", (live.Empty, live.Answers), (previous.Empty, previous.Answers), options.EmptyMargin, live.EmptyUsers, options)
            : null;
    }

    /// <summary>
    /// Judges by likes per recommendation, the mean over users by weight: how much each asked for, and how often, makes no difference.
    /// </summary>
    /// <param name="live">Users of the live release.</param>
    /// <param name="previous">Users of the release before.</param>
    /// <param name="options">Margin.</param>
    public static RollbackReason? Judge(
        IReadOnlyCollection<LikingUser> live, IReadOnlyCollection<LikingUser> previous, RollbackOptions options)
    {
        ArgumentNullException.ThrowIfNull(live);
        ArgumentNullException.ThrowIfNull(previous);
        ArgumentNullException.ThrowIfNull(options);
        if (!AreEnough(live, options) || !AreEnough(previous, options)) return null;
        var now = LikesOf(live);
        var before = LikesOf(previous);
        if (ClusteredEstimate.Difference(before, now) is not { StandardError: { } error } difference) return null;
        var margin = options.LikesMargin * before!.Value;
        return -difference.Value > margin + options.StandardErrors * error
            ? new("likes_per_recommendation", now!.Value, before.Value, live.Sum(user => user.Recommendations), previous.Sum(user => user.Recommendations), margin, error, live.Count)
            : null;
    }

    private static ClusteredEstimate? LikesOf(IReadOnlyCollection<LikingUser> users) =>
        ClusteredEstimate.Ratio([.. users.Select(user => (user.UserId, user.Weight * user.Liked, user.Weight))]);

    // Users of so different weights are as good as fewer that are alike: (Σw)² ÷ Σw² of them (Kish, Survey Sampling, 1965, section 11.7).
    private static bool AreEnough(IReadOnlyCollection<LikingUser> users, RollbackOptions options)
    {
        var sum = users.Sum(user => user.Weight);
        return users.Count >= options.MinUsers && sum * sum >= (options.MinUsers - 1e-6) * users.Sum(user => user.Weight * user.Weight);
    }

    private static RollbackReason? Worse(
        string rule, (long Of, long All) live, (long Of, long All) previous, double margin, long users, RollbackOptions options)
    {
        double Share((long Of, long All) counts) => counts.All == 0 ? 0 : (double)counts.Of / counts.All;
        double Variance((long Of, long All) counts) => counts.All == 0 ? 0 : Share(counts) * (1 - Share(counts)) / counts.All;
        var error = Math.Sqrt(Variance(live) + Variance(previous));
        return Share(live) - Share(previous) > margin + options.StandardErrors * error
            ? new(rule, Share(live), Share(previous), live.All, previous.All, margin, error, users)
            : null;
    }
}
