using TwoTower.Core.Rows;
using TwoTower.Training.Samples;

namespace TwoTower.Training.Histories;

/// <summary>Who finally thinks what of which videos: what a user tower of histories is learned from.</summary>
/// <param name="Videos">The items: the videos with a like, those with the most decisions, in table order.</param>
/// <param name="Users">The liked and the noped items of each user with a profile and a decision, ascending.</param>
/// <param name="RecentLikes">[items]: the likes of each, one of age t counting e^(−t / trend).</param>
/// <param name="AsOf">The latest decision: ages are counted to it.</param>
internal sealed record Interactions(
    IReadOnlyList<VideoRow> Videos, IReadOnlyList<(int[] Likes, int[] Nopes)> Users, float[] RecentLikes, DateTimeOffset AsOf)
{
    private const int MinLikes = 3;

    /// <summary>[users] of each like, in the order of the likes: e^(−age / trend).</summary>
    public required IReadOnlyList<float[]> Recency { get; init; }

    /// <summary>True where somebody nopes one of the items.</summary>
    public bool HasNopes { get; } = Users.Any(user => user.Nopes.Length > 0);

    /// <summary>The same items and moment, with some of the users only.</summary>
    public Interactions Of(IReadOnlyList<int> users)
    {
        var recent = new double[Videos.Count];
        foreach (var user in users)
        {
            foreach (var (like, weight) in Users[user].Likes.Zip(Recency[user])) recent[like] += weight;
        }

        return new(
            [.. Videos], [.. users.Select(user => Users[user])], [.. recent.Select(likes => (float)likes)],
            AsOf)
        { Recency = [.. users.Select(user => Recency[user])] };
    }

    /// <summary>The same users with the items alone that have the most decisions.</summary>
    /// <param name="most">Items.</param>
    public Interactions Head(int most)
    {
        var decisions = new int[Videos.Count];
        foreach (var item in Users.SelectMany(user => user.Likes.Concat(user.Nopes))) decisions[item]++;
        int[] kept = [.. Enumerable.Range(0, Videos.Count).OrderByDescending(item => decisions[item]).Take(most).Order()];
        var place = kept.Select((item, place) => (item, place)).ToDictionary(pair => pair.item, pair => pair.place);
        return new(
            [.. kept.Select(item => Videos[item])], [.. Users.Select(user => (Of(user.Likes), Of(user.Nopes)))],
            [.. kept.Select(item => RecentLikes[item])], AsOf)
        {
            Recency = [.. Users.Zip(Recency, (user, recency) => user.Likes.Zip(recency).Where(like => place.ContainsKey(like.First)).Select(
                like => like.Second).ToArray())],
        };

        int[] Of(int[] items) => [.. items.Where(place.ContainsKey).Select(item => place[item])];
    }

    /// <summary>Reads the tables.</summary>
    /// <param name="maxItems">Items at most.</param>
    /// <param name="trend">After which age a like counts 1 / e for what is liked of late.</param>
    /// <exception cref="NothingToTrainException">Too little to learn from.</exception>
    public static Interactions Read(TableSet tables, int maxItems, TimeSpan trend)
    {
        if (tables.Videos.Count == 0) throw new NothingToTrainException("There are no videos: import a catalogue first.");
        if (tables.Decisions.Count == 0) throw new NothingToTrainException("There are no decisions (table user_video_decisions is empty): nothing to learn from.");
        var profiles = tables.Profiles.Select(profile => profile.UserId).ToHashSet();
        var latest = new OrderedDictionary<Guid, Dictionary<Guid, DecisionRow>>();
        foreach (var decision in tables.Decisions)
        {
            if (!profiles.Contains(decision.UserId)) continue;
            if (!latest.TryGetValue(decision.UserId, out var rows)) latest.Add(decision.UserId, rows = []);
            if (!rows.TryGetValue(decision.VideoId, out var before) || IsLater(decision, before)) rows[decision.VideoId] = decision;
        }

        var (likes, decisions) = (new Dictionary<Guid, int>(), new Dictionary<Guid, int>());
        foreach (var row in latest.Values.SelectMany(rows => rows.Values))
        {
            decisions[row.VideoId] = decisions.GetValueOrDefault(row.VideoId) + 1;
            if (row.Type == DecisionType.Like) likes[row.VideoId] = likes.GetValueOrDefault(row.VideoId) + 1;
        }

        var kept =
            tables.Videos.Where(video => likes.ContainsKey(video.Id)).OrderByDescending(video => decisions[video.Id]).ThenBy(
                video => video.Id)
            .Take(maxItems).Select(video => video.Id).ToHashSet();
        VideoRow[] videos = [.. tables.Videos.Where(video => kept.Contains(video.Id))];
        var itemOf = videos.Select((video, item) => (video.Id, item)).ToDictionary(pair => pair.Id, pair => pair.item);
        var asOf = tables.Decisions.Max(decision => decision.CreatedAt);
        var read = latest.Values.Select(rows => (Likes: Of(rows.Values, DecisionType.Like), Nopes: Of(rows.Values, DecisionType.Nope)))
            .Where(user => user.Likes.Length + user.Nopes.Length > 0).ToList();
        (int[] Likes, int[] Nopes)[] users = [.. read.Select(user => (Items(user.Likes), Items(user.Nopes)))];
        if (users.Count(user => user.Likes.Length >= MinLikes) < 2)
        {
            throw new NothingToTrainException(
                $"Fewer than 2 users with a profile like {MinLikes} videos that exist: wait for more decisions, or train recipe v2, which asks for less.");
        }

        var recent = new double[videos.Length];
        foreach (var row in latest.Values.SelectMany(rows => rows.Values))
        {
            if (row.Type == DecisionType.Like && itemOf.TryGetValue(row.VideoId, out var item)) recent[item] += Kept(row);
        }

        return new(videos, users, [.. recent.Select(likes => (float)likes)], asOf)
        {
            Recency = [.. read.Select(user => user.Likes.Select(like => (float)Kept(like.Row)).ToArray())],
        };

        (int Item, DecisionRow Row)[] Of(IEnumerable<DecisionRow> rows, DecisionType type) =>
            [.. rows.Where(row => row.Type == type && itemOf.ContainsKey(row.VideoId)).Select(
                row => (Item: itemOf[row.VideoId], row)).OrderBy(pair => pair.Item)];

        static int[] Items((int Item, DecisionRow)[] decided) => [.. decided.Select(pair => pair.Item)];

        double Kept(DecisionRow row) => Math.Exp(-((asOf - row.CreatedAt) / trend));
    }

    /// <summary>True for a history that says enough to learn a user's vector from.</summary>
    public static bool IsUsable(int[] likes) => likes.Length >= MinLikes;

    // As HistoryPool has it: of a like and a nope of the same moment the like counts.
    private static bool IsLater(DecisionRow row, DecisionRow before) =>
        row.CreatedAt > before.CreatedAt || (row.CreatedAt == before.CreatedAt && row.Type == DecisionType.Like);
}
