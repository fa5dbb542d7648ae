using TwoTower.Core.Formats;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Report;

/// <summary>The evaluations of several sets, as --json prints them.</summary>
/// <param name="Sets">Each as an evaluation of its own prints it.</param>
internal sealed record EvaluatedSuite(IReadOnlyList<Evaluated> Sets)
{
    private static readonly MetricColumn[] Shown = [.. new[] { "ndcg_100", "recall_20" }.Select(name => MetricColumn.All.Single(column => column.Name == name))];

    /// <summary>Each metric as a table: a row a set, a column a model, and of each recipe the paired difference to the set's
    /// reference.</summary>
    internal IEnumerable<(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)> Tables()
    {
        var models =
            Sets.SelectMany(set => set.Models).DistinctBy(ReportTables.NameOf).OrderBy(model => model.IsRecipe).Select(
                model => (Name: ReportTables.NameOf(model), model.IsRecipe)).ToList();
        foreach (var metric in Shown)
        {
            yield return (
                metric.Title,
                ["set", "asked", "items", .. models.Select(model => model.Name), "reference", .. models.Where(model => model.IsRecipe).Select(model => $"{model.Name} − reference")],
                [.. Sets.Select(set => (IReadOnlyList<string>)Row(set, metric))]);
        }

        string[] Row(Evaluated set, MetricColumn metric)
        {
            return
            [
                set.Data, Amounts.Count(set.Splits.Sum(split => split.Queries)), Amounts.Count(set.Splits.Max(split => split.RankedItems)),
                .. models.Select(model => Cell(Find(model.Name)?.WithHistory)), set.Reference ?? "", .. models.Where(model => model.IsRecipe).Select(model => Cell(Find(model.Name)?.Difference)),
            ];

            ModelResult? Find(string name) => set.Models.FirstOrDefault(model => ReportTables.NameOf(model) == name);

            string Cell(GroupResult? group) => group is not null && group.Metrics.TryGetValue(metric.Name, out var value) ? metric.Show(value, interval: true) : "";
        }
    }
}
