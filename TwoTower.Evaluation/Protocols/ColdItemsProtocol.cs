using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// Videos that nobody in training has seen: those whose number ends in 0 leave it altogether and only they are ranked, for users that no
/// model has learned from either, from all that these decided on the other videos.
/// </summary>
internal static class ColdItemsProtocol
{
    /// <summary>Ending of the numbers of cold videos.</summary>
    public const string Suffix = "0";

    /// <summary>Splits a data set.</summary>
    /// <exception cref="InputException">No cold or no warm videos, or nobody to ask; says what to do.</exception>
    public static Split Create(TableSet tables, UserSuffixes suffixes, HeldOutGroup group)
    {
        var users = new HeldOutSplit(tables, suffixes, group);
        var items = users.Items;
        var isCold = items.Select(video => users.Numbers.VideoEndsIn(video.Id, Suffix)).ToArray();
        var cold = isCold.Count(yes => yes);
        if (cold == 0 || cold == items.Count)
        {
            throw new InputException(
                $"{cold} of {items.Count} videos with a like have a number that ends in {Suffix}: the cold-items protocol needs some that do and some that don't; "
                + "give more data or another --protocol");
        }

        const int least = HeldOutUsersProtocol.LeastLikes;
        var warm = items.Where((_, item) => !isCold[item]).ToList();
        return users.Ask("cold-items", warm, isCold, $"{least} likes of warm videos and one of a cold one", (_, latest) =>
        {
            var likes = Decided.Of(latest, DecisionType.Like).ToLookup(item => isCold[item]);
            return likes[false].Count() < least || !likes[true].Any()
                ? null
                : new([.. likes[true]], [.. Decided.Of(latest, DecisionType.Nope).Where(item => isCold[item])]);
        });
    }
}
