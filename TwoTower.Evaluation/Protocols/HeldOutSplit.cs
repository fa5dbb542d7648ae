using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// What the protocols of held-out users share: nobody learns from these users, and each is asked for a part of what they decided.
/// </summary>
internal sealed class HeldOutSplit
{
    private readonly TableSet _tables;
    private readonly TableSet _training;
    private readonly UserSuffixes _suffixes;
    private readonly HeldOutGroup _group;

    /// <summary>Takes the held-out users of both groups away.</summary>
    public HeldOutSplit(TableSet tables, UserSuffixes suffixes, HeldOutGroup group)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(suffixes);
        suffixes.Check();
        (_tables, _suffixes, _group, Numbers) = (tables, suffixes, group, new(tables));
        _training = Without(tables, Numbers, suffixes);
        Items = Numbers.Liked(tables.Videos, _training.Decisions);
    }

    public Numbering Numbers { get; }

    /// <summary>The videos that somebody else likes, in the order that breaks ties.</summary>
    public IReadOnlyList<VideoRow> Items { get; }

    /// <summary>Decisions of all others.</summary>
    public int TrainingDecisions => _training.Decisions.Count;

    /// <summary>Asks each user of the group.</summary>
    /// <param name="name">The split's name.</param>
    /// <param name="learned">The videos that are learned from; decisions on others aren't.</param>
    /// <param name="isRanked">[Items.Count]</param>
    /// <param name="needed">What a user must have to be asked, for the message when nobody has.</param>
    /// <param name="part">Parts what a user decided, given by item; null leaves the user out.</param>
    /// <exception cref="InputException">Nobody can be asked; says what to do.</exception>
    public Split Ask(
        string name, IReadOnlyList<VideoRow> learned, bool[] isRanked, string needed,
        Func<Guid, Dictionary<int, DecisionRow>, HeldOutPart?> part)
    {
        var known = learned.Select(video => video.Id).ToHashSet();
        var decisions = _training.Decisions.Where(row => known.Contains(row.VideoId)).ToList();
        var asOf = decisions.Max(row => row.CreatedAt);
        var builder = new QueryBuilder(Items, _tables.Profiles, asOf);
        var suffix = _suffixes.Of(_group);
        List<Query> queries = [];
        var asked = 0;
        foreach (var (user, rows) in Decided.ByUser(_tables.Decisions).Where(user => Numbers.UserEndsIn(user.Key, suffix)))
        {
            asked++;
            if (part(user, Decided.Latest(rows, builder.ItemOf)) is not { } held) continue;
            var isOut = held.Targets.Concat(held.Nopes).Select(item => Items[item].Id).ToHashSet();
            queries.Add(
                builder.Build(
                    user, rows.Where(row => known.Contains(row.VideoId) && !isOut.Contains(row.VideoId)), held.Targets, held.Nopes));
        }

        return queries.Count == 0
            ? throw NobodyToAsk(suffix, asked, needed)
            : new(name, _training with { Videos = learned, Decisions = decisions }, Items, isRanked, queries, asOf);
    }

    private static TableSet Without(TableSet tables, Numbering numbers, UserSuffixes suffixes)
    {
        var heldOut = tables.Profiles.Select(profile => profile.UserId).Concat(tables.Decisions.Select(row => row.UserId)).Distinct()
            .Where(user => suffixes.IsHeldOut(numbers, user)).ToHashSet();
        return tables with
        {
            Profiles = [.. tables.Profiles.Where(profile => !heldOut.Contains(profile.UserId))],
            Decisions = [.. tables.Decisions.Where(row => !heldOut.Contains(row.UserId))],
        };
    }

    private InputException NobodyToAsk(string suffix, int asked, string needed) => new(asked == 0
        ? $"no user's number ends in {suffix}, so there is nobody to ask: give another --{_group.ToString().ToLowerInvariant()}-suffix, or data with these users"
        : $"none of the {asked} users whose number ends in {suffix} has {needed} among videos that a model can know: give more data or another suffix");
}

/// <summary>What is held out of a user's history.</summary>
/// <param name="Targets">Liked items to be found; one at least.</param>
/// <param name="Nopes">Noped items; perhaps none.</param>
internal sealed record HeldOutPart(int[] Targets, int[] Nopes);
