using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// Users that no model has learned from: four fifths of their likes and nopes are the history, the rest is to be found
/// (docs/evaluation.md).
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
        var users = new HeldOutSplit(tables, suffixes, group);
        var items = users.Items;
        if (items.Count == 0)
        {
            throw new InputException(
                $"no video has a like of a user to learn from ({tables.Decisions.Count} decisions, {users.TrainingDecisions} of them "
                + "not of held-out users): "
                + "give data with likes, or other --validation-suffix and --test-suffix");
        }

        return users.Ask("held-out-users", items, [.. items.Select(_ => true)], $"{LeastLikes} likes", (user, latest) =>
        {
            var likes = Shuffled(latest, DecisionType.Like, user, users.Numbers, items);
            if (likes.Length < LeastLikes) return null;
            var nopes = Shuffled(latest, DecisionType.Nope, user, users.Numbers, items);
            return new(likes[..Math.Max(1, likes.Length / Parts)], nopes[..(nopes.Length / Parts)]);
        });
    }

    private static int[] Shuffled(
        Dictionary<int, DecisionRow> latest, DecisionType type, Guid user, Numbering numbers, IReadOnlyList<VideoRow> items)
    {
        var number = numbers.OfUser(user);
        return [.. Decided.Of(latest, type).OrderBy(item => Numbering.Shuffle(number, numbers.OfVideo(items[item].Id)))];
    }
}
