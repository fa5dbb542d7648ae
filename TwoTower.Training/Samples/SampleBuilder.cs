using System.Runtime.InteropServices;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Samples;

/// <summary>
/// Makes the samples of contract section 4: a row for each like and nope of a user with a profile on a video that exists, then extra
/// negatives for each such user, drawn with replacement from the videos that the user has not decided on: uniformly, or a share of them
/// as often as they are liked.
/// </summary>
internal static class SampleBuilder
{
    /// <summary>Builds the samples. The same tables in the same order, options and seed give the same samples.</summary>
    /// <exception cref="NothingToTrainException">There are no decisions, no videos or only one class.</exception>
    public static SampleSet Build(TableSet tables, SampleOptions options, int seed)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(options);
        if (tables.Videos.Count == 0) throw new NothingToTrainException("There are no videos: import a catalogue first.");
        if (tables.Decisions.Count == 0) throw new NothingToTrainException("There are no decisions (table user_video_decisions is empty): nothing to learn from.");

        var userOf = Index(tables.Profiles, p => p.UserId);
        var videoOf = Index(tables.Videos, v => v.Id);
        var (byUser, start, asOf) = GroupByUser(tables.Decisions, userOf, videoOf);
        if (byUser.Length == 0)
        {
            throw new NothingToTrainException(
                $"None of the {tables.Decisions.Count} decisions is by a user with a profile on a video that exists: are profiles and videos complete?");
        }

        var users = new List<int>();
        var videos = new List<int>();
        var types = new List<SampleType>();
        var random = new SeededRandom(seed, RandomPurpose.Negatives);
        var undecided = new UndecidedVideos(tables.Videos.Count);
        int[] liked = [.. byUser.Where(decision => decision.Type == DecisionType.Like).Select(decision => decision.Video)];
        for (var user = 0; user < tables.Profiles.Count; user++)
        {
            var decisions = byUser.AsSpan(start[user]..start[user + 1]);
            if (decisions.IsEmpty) continue;
            var likes = 0;
            undecided.StartUser();
            foreach (var (video, type) in decisions)
            {
                Add(user, video, type == DecisionType.Like ? SampleType.Like : SampleType.Nope);
                likes += type == DecisionType.Like ? 1 : 0;
                undecided.Decided(video);
            }

            var nopes = decisions.Length - likes;
            var extra = (long)options.NegativeSamplingRatio * Math.Max(1, likes) - nopes;
            if (undecided.Count == 0) continue; // decided on everything: nothing to draw from
            for (; extra > 0; extra--) Add(user, Draw(undecided, liked, options.NegativePopularity, random), SampleType.SampledNegative);
        }

        RequireTwoClasses(types);
        return Compact(tables, users, videos, types, asOf);

        void Add(int user, int video, SampleType type)
        {
            users.Add(user);
            videos.Add(video);
            types.Add(type);
        }
    }

    // A recipe that draws uniformly spends no random number on the choice: its samples are what they always were.
    private static int Draw(UndecidedVideos undecided, int[] liked, double popularity, SeededRandom random) =>
        popularity > 0 && liked.Length > 0 && random.NextDouble() < popularity ? undecided.DrawFrom(liked, random) : undecided.Draw(random);

    private static Dictionary<Guid, int> Index<T>(IReadOnlyList<T> rows, Func<T, Guid> key)
    {
        var index = new Dictionary<Guid, int>(rows.Count);
        for (var i = 0; i < rows.Count; i++) index.Add(key(rows[i]), i);
        return index;
    }

    // Usable decisions grouped by user, in table order within a user; the latest time is over all decisions.
    private static ((int Video, DecisionType Type)[] ByUser, int[] Start, DateTimeOffset AsOf) GroupByUser(
        IReadOnlyList<DecisionRow> decisions, Dictionary<Guid, int> userOf, Dictionary<Guid, int> videoOf)
    {
        var usable = new List<(int User, int Video, DecisionType Type)>(decisions.Count);
        var start = new int[userOf.Count + 1];
        var asOf = DateTimeOffset.MinValue;
        foreach (var decision in decisions)
        {
            if (decision.CreatedAt > asOf) asOf = decision.CreatedAt;
            if (!userOf.TryGetValue(decision.UserId, out var user) || !videoOf.TryGetValue(decision.VideoId, out var video)) continue;
            usable.Add((user, video, decision.Type));
            start[user + 1]++;
        }

        for (var user = 0; user < userOf.Count; user++) start[user + 1] += start[user];
        var next = start[..^1];
        var byUser = new (int, DecisionType)[usable.Count];
        foreach (var (user, video, type) in CollectionsMarshal.AsSpan(usable)) byUser[next[user]++] = (video, type);
        return (byUser, start, asOf);
    }

    private static void RequireTwoClasses(List<SampleType> types)
    {
        var likes = types.Count(t => t == SampleType.Like);
        if (likes == 0) throw new NothingToTrainException($"All {types.Count} samples are negative (there are no likes): a model needs both classes.");
        if (likes == types.Count)
        {
            throw new NothingToTrainException(
                $"All {types.Count} samples are likes (no nopes, and no undecided videos or a negative_sampling_ratio of 0): a model needs both classes.");
        }
    }

    // Keeps only the users and videos that have a sample; the pipeline is fitted on exactly these.
    private static SampleSet Compact(TableSet tables, List<int> users, List<int> videos, List<SampleType> types, DateTimeOffset asOf)
    {
        var userIndex = users.ToArray();
        var videoIndex = videos.ToArray();
        var userRows = Renumber(userIndex, tables.Profiles.Count);
        var videoRows = Renumber(videoIndex, tables.Videos.Count);
        return new(
            [.. userRows.Select(row => tables.Profiles[row].UserId)], [.. videoRows.Select(row => tables.Videos[row].Id)],
            userIndex, videoIndex, [.. types], asOf);
    }

    private static List<int> Renumber(int[] index, int count)
    {
        var used = new bool[count];
        foreach (var row in index) used[row] = true;
        var rows = new List<int>();
        var number = new int[count];
        for (var row = 0; row < count; row++)
        {
            if (!used[row]) continue;
            number[row] = rows.Count;
            rows.Add(row);
        }

        for (var i = 0; i < index.Length; i++) index[i] = number[index[i]];
        return rows;
    }
}
