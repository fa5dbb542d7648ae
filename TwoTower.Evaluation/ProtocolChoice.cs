using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Protocols;
using TwoTower.Evaluation.Queries;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation;

/// <summary>What is held out.</summary>
/// <param name="Name">The protocol.</param>
/// <param name="Suffixes">Whose numbers make them held-out users.</param>
/// <param name="Group">Which of them are asked.</param>
internal sealed record ProtocolChoice(string Name, UserSuffixes Suffixes, HeldOutGroup Group)
{
    public const string HeldOutUsers = "held-out-users", ColdItems = "cold-items", Time = "time";

    /// <summary>The group's name; null for the protocol in time, which has none.</summary>
    public string? Split => Name == Time ? null : Group.ToString().ToLowerInvariant();

    /// <summary>Splits rows, and says their sizes and the splits'.</summary>
    /// <exception cref="InputException">There is nothing to ask for, or nobody to ask.</exception>
    public async Task<IReadOnlyList<Split>> SplitAsync(IRun run, TableSet tables, string name)
    {
        run.Say(
            $"{name}: {Amounts.Count(tables.Profiles.Count)} users, {Amounts.Count(tables.Videos.Count)} videos, {Amounts.Count(tables.Decisions.Count)} decisions");
        if (!tables.Decisions.Any(row => row.Type == DecisionType.Like))
        {
            throw new InputException($"{name} has no likes among its {tables.Decisions.Count} decisions: nothing can be found or missed; give data with likes");
        }

        var splits = await Task.Run(() => Of(tables), run.Stop);
        foreach (var split in splits.Select(SplitSummary.Of))
        {
            run.Say(
                $"{split.Name}: {Amounts.Count(split.TrainingUsers)} users to learn from, {Amounts.Count(split.Queries)} to ask for "
                + $"{Amounts.Count(split.Targets)} likes among {Amounts.Count(split.RankedItems)} items");
        }

        return splits;
    }

    private IReadOnlyList<Split> Of(TableSet tables) => Name switch
    {
        Time => InTimeProtocol.Create(tables),
        ColdItems => [ColdItemsProtocol.Create(tables, Suffixes, Group)],
        _ => [HeldOutUsersProtocol.Create(tables, Suffixes, Group)],
    };
}
