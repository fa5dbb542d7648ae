using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// Users that no model has learned from: four fifths of their likes and nopes are the history, the rest is to be found (docs/evaluation.md).
/// </summary>
internal static class HeldOutUsersProtocol
{
    /// <summary>A held-out user has this many likes at least.</summary>
    public const int LeastLikes = 5;

    /// <summary>One part in this many is held out.</summary>
    public const int Parts = 5;

    /// <summary>Splits a data set.</summary>
    /// <exception cref="InputException">Nobody to learn from or nobody to ask; says what to do.</exception>
    public static Split Create(TableSet tables, UserSuffixes suffixes, HeldOutGroup group)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(suffixes);
        suffixes.Check();
        var numbers = new Numbering(tables);
        var training = WithoutHeldOut(tables, numbers, suffixes);
        var items = numbers.Liked(tables.Videos, training.Decisions);
        if (items.Count == 0)
        {
            throw new InputException(
                $"no video has a like of a user to learn from ({tables.Decisions.Count} decisions, {training.Decisions.Count} of them not of held-out users): "
                + "give data with likes, or other --validation-suffix and --test-suffix");
        }

        var known = items.Select(video => video.Id).ToHashSet();
        var decisions = training.Decisions.Where(row => known.Contains(row.VideoId)).ToList();
        var asOf = decisions.Max(row => row.CreatedAt);
        var builder = new QueryBuilder(items, tables.Profiles, asOf);
        var suffix = suffixes.Of(group);
        List<Query> queries = [];
        var asked = 0;
        foreach (var (user, rows) in Decided.ByUser(tables.Decisions).Where(user => numbers.UserEndsIn(user.Key, suffix)))
        {
            asked++;
            var latest = Decided.Latest(rows, builder.ItemOf);
            var likes = Shuffled(latest, DecisionType.Like, user, numbers, items);
            if (likes.Length < LeastLikes) continue;
            var nopes = Shuffled(latest, DecisionType.Nope, user, numbers, items);
            var targets = likes[..Math.Max(1, likes.Length / Parts)];
            var heldOutNopes = nopes[..(nopes.Length / Parts)];
            var isOut = targets.Concat(heldOutNopes).Select(item => items[item].Id).ToHashSet();
            queries.Add(builder.Build(user, rows.Where(row => !isOut.Contains(row.VideoId)), targets, heldOutNopes));
        }

        return queries.Count == 0
            ? throw NobodyToAsk(group, suffix, asked)
            : new("held-out-users", training with { Videos = items, Decisions = decisions }, items, [.. items.Select(_ => true)], queries, asOf);
    }

    /// <summary>The tables without profiles and decisions of held-out users.</summary>
    internal static TableSet WithoutHeldOut(TableSet tables, Numbering numbers, UserSuffixes suffixes)
    {
        var heldOut = tables.Profiles.Select(profile => profile.UserId).Concat(tables.Decisions.Select(row => row.UserId)).Distinct()
            .Where(user => suffixes.IsHeldOut(numbers, user)).ToHashSet();
        return tables with
        {
            Profiles = [.. tables.Profiles.Where(profile => !heldOut.Contains(profile.UserId))],
            Decisions = [.. tables.Decisions.Where(row => !heldOut.Contains(row.UserId))],
        };
    }

    internal static InputException NobodyToAsk(HeldOutGroup group, string suffix, int asked, string needed = "5 likes") => new(asked == 0
        ? $"no user's number ends in {suffix}, so there is nobody to ask: give another --{group.ToString().ToLowerInvariant()}-suffix, or data with these users"
        : $"none of the {asked} users whose number ends in {suffix} has {needed} among videos that a model can know: give more data or another suffix");

    private static int[] Shuffled(
        Dictionary<int, DecisionRow> latest, DecisionType type, Guid user, Numbering numbers, IReadOnlyList<VideoRow> items)
    {
        var number = numbers.OfUser(user);
        return [.. Decided.Of(latest, type).OrderBy(item => Numbering.Shuffle(number, numbers.OfVideo(items[item].Id)))];
    }
}
