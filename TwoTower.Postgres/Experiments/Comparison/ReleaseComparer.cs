using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Experiments.Comparison;

/// <summary>Compares releases by the recommendations that were recorded and the decisions that followed them.</summary>
internal sealed class ReleaseComparer(NpgsqlDataSource db)
{
    /// <summary>How long after the last impression of a video a decision on it counts.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromHours(24);

    // Below this the normal approximation behind the intervals isn't to be trusted.
    private const int FewUsers = 30;

    /// <summary>Compares two releases.</summary>
    /// <param name="since">From when; null: all that is kept, or the experiment's start.</param>
    /// <param name="experiment">Only what was served while this experiment ran; null: all.</param>
    /// <exception cref="InputException">There is no such release or experiment.</exception>
    public async Task<ReleaseComparison> CompareAsync(
        string a, string b, DateTimeOffset? since = null, string? experiment = null, CancellationToken ct = default)
    {
        var store = new ReleaseStore(db);
        foreach (var version in new[] { a, b }) await store.GetAsync(version, ct);
        if (a == b) throw new InputException($"{a} was to be compared with itself: name two releases.");
        var ran = experiment is null ? null : await new ExperimentStore(db).GetAsync(experiment, ct);

        var (until, catalogue) = await NowAsync(ct);
        var from = since ?? ran?.StartedAt;
        var left = await ReadAsync(db, a, from ?? DateTimeOffset.UnixEpoch, until, Within, ran?.Id, ct);
        var right = await ReadAsync(db, b, from ?? DateTimeOffset.UnixEpoch, until, Within, ran?.Id, ct);
        var both = left.Select(user => user.UserId).Intersect(right.Select(user => user.UserId)).Count();
        return new(
            Sum(a, left), Sum(b, right), from, until, experiment, both, Metrics(left, right, catalogue), Notes(a, left, b, right, both));
    }

    /// <summary>The four numbers of two groups of users.</summary>
    /// <param name="a">Users of the one.</param>
    /// <param name="b">Users of the other.</param>
    /// <param name="catalogue">Active videos.</param>
    public static IReadOnlyList<ComparedMetric> Metrics(
        IReadOnlyCollection<UserOutcome> a, IReadOnlyCollection<UserOutcome> b, long catalogue)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var drawn = Math.Min(a.Count, b.Count) is var fewer and > 0 ? fewer : Math.Max(a.Count, b.Count);
        return
        [
            Of("likes_per_recommendation", group => ClusteredEstimate.Ratio(group, user => user.Likes, user => user.Recommendations)),
            Of("nopes_per_recommendation", group => ClusteredEstimate.Ratio(group, user => user.Nopes, user => user.Recommendations)),
            Of("coverage", group => Coverage.Of(group, Math.Min(drawn, group.Count), catalogue)),
            Of("empty_answers", group => ClusteredEstimate.Ratio(group, user => user.Empty, user => user.Answers)),
        ];

        ComparedMetric Of(string name, Func<IReadOnlyCollection<UserOutcome>, ClusteredEstimate?> estimate)
        {
            var (left, right) = (a.Count > 0 ? estimate(a) : null, b.Count > 0 ? estimate(b) : null);
            return new(name, left?.Interval, right?.Interval, ClusteredEstimate.Difference(left, right));
        }
    }

    /// <summary>What became of a release's recommendations, by user.</summary>
    internal static Task<IReadOnlyList<UserOutcome>> ReadAsync(
        NpgsqlDataSource db, string modelVersion, DateTimeOffset since, DateTimeOffset until, TimeSpan within, long? experiment,
        CancellationToken ct) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<UserOutcome>>(async () =>
        {
            return await db.Sql(
                """
                select user_id, recommendations, answers, empty, likes, nopes, viewers
                from two_tower.release_outcomes(@version, @since, @until, @within, @experiment)
                """)
                .WithTimeout(0) // weeks of impressions take longer than a request; whoever asked can stop it
                .With("version", modelVersion).With("since", since).With("until", until).With("within", within)
                .With("experiment", experiment)
                .ListAsync(row => new UserOutcome(
                    row.Get<Guid>("user_id"), row.Get<long>("recommendations"), row.Get<long>("answers"), row.Get<long>("empty"),
                    row.Get<long>("likes"), row.Get<long>("nopes"), row.Get<int[]>("viewers")), ct);
        });

    private Task<(DateTimeOffset Now, long Catalogue)> NowAsync(CancellationToken ct) =>
        db.Sql("select clock_timestamp() as now, (select count(*) from public.videos v where v.is_active) as catalogue")
            .SingleAsync(row => (row.Get<DateTimeOffset>("now"), row.Get<long>("catalogue")), ct);

    private static ComparedRelease Sum(string version, IReadOnlyList<UserOutcome> users) => new(
        version, users.Count, users.Sum(user => user.Answers), users.Sum(user => user.Recommendations), users.Sum(user => user.Likes),
        users.Sum(user => user.Nopes), (long)Math.Round(users.Sum(user => user.ShownTo.Sum(k => 1.0 / k))));

    private static List<string> Notes(string a, IReadOnlyList<UserOutcome> left, string b, IReadOnlyList<UserOutcome> right, int both)
    {
        var notes = new List<string>();
        foreach (var (version, users) in new[] { (a, left.Count), (b, right.Count) })
        {
            if (users == 0) notes.Add($"no recommendation of {version} is recorded in this time (TwoTower:Impressions says whose are)");
            else if (users < FewUsers) notes.Add($"{version} has {users} users: with fewer than {FewUsers} the intervals are narrower than they should be");
        }

        if (both > 0) notes.Add($"{both} users were served by both, at different times: what changed meanwhile counts as a difference, too");
        return notes;
    }
}
