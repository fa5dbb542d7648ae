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
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(suffixes);
        suffixes.Check();
        var numbers = new Numbering(tables);
        var training = HeldOutUsersProtocol.WithoutHeldOut(tables, numbers, suffixes);
        var items = numbers.Liked(tables.Videos, training.Decisions);
        var isCold = items.Select(video => numbers.VideoEndsIn(video.Id, Suffix)).ToArray();
        var cold = isCold.Count(yes => yes);
        if (cold == 0 || cold == items.Count)
        {
            throw new InputException(
                $"{cold} of {items.Count} videos with a like have a number that ends in {Suffix}: the cold-items protocol needs some that do and some that don't; "
                + "give more data or another --protocol");
        }

        var warm = items.Where((_, item) => !isCold[item]).ToList();
        var known = warm.Select(video => video.Id).ToHashSet();
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
            var likes = Decided.Of(latest, DecisionType.Like).ToLookup(item => isCold[item]);
            if (likes[false].Count() < HeldOutUsersProtocol.LeastLikes || !likes[true].Any()) continue;
            int[] nopes = [.. Decided.Of(latest, DecisionType.Nope).Where(item => isCold[item])];
            queries.Add(builder.Build(user, rows.Where(row => known.Contains(row.VideoId)), [.. likes[true]], nopes));
        }

        return queries.Count == 0
            ? throw HeldOutUsersProtocol.NobodyToAsk(group, suffix, asked, "5 likes of warm videos and one of a cold one")
            : new("cold-items", training with { Videos = warm, Decisions = decisions }, items, isCold, queries, asOf);
    }
}
