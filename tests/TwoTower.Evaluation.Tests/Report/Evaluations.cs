using TwoTower.Core.Artifacts;
using TwoTower.Evaluation.Report;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Tests.Report;

/// <summary>An evaluation with all that there can be in one: a baseline, a recipe with two seeds and re-ranked, cuts, the live
/// API.</summary>
internal static class Evaluations
{
    public static Evaluated Full(string data = "tiny films") => new(
        data, "time", null, 2, new(2025, 6, 1, 12, 30, 0, TimeSpan.Zero), "popularity",
        [new("time 50 %", 308, 13_347, 574, 37, 4, 149, 21, new(2025, 5, 31, 0, 0, 0, TimeSpan.Zero))],
        [Model("popularity", isRecipe: false, 0.174), Model("v3", isRecipe: true, 0.377), Model("v3", isRecipe: true, 0.355) with { IsReRanked = true }])
    {
        Live = [new("v3", 42, 30, 31, 28, new(0.987, 0.97, 1), Group("exact", 0.377), Group("live", 0.371), Group("loss", 0.006), 1.2e-7, 4.5, 9.25)],
    };

    public static ModelResult Model(string name, bool isRecipe, double recall) => new()
    {
        Name = name,
        IsRecipe = isRecipe,
        IsReRanked = false,
        Seeds = isRecipe ? [42, 43] : [],
        FitSeconds = isRecipe ? 185 : 0.4,
        WithHistory = Group("with history", recall),
        WithoutHistory = Group("without history", recall / 10),
        BySeed = isRecipe ? [Group("seed 42", recall), Group("seed 43", recall)] : [],
        BySplit = [Group("time 50 %", recall), Group("time 60 %", recall)],
        ByActivity = [Group("1–9 likes", recall), Group("100 likes and more", recall)],
        ByPopularity = [Group("most liked 10 %", recall), new("rest", 0, new Dictionary<string, Estimate>())],
        Difference = name == "popularity" ? null : Group(name, recall - 0.174),
        Calibration = isRecipe ? [new(0.2, 0.25, 10), new(0.8, 0.75, 11)] : [],
        ProbabilityErrors = isRecipe ? new(21, 0.512, 0.05) : null,
        Scores = new(-1, 1, [.. Enumerable.Range(0, 30)], [.. Enumerable.Range(0, 30).Reverse()]),
        Curves = isRecipe ? [new(42, "time 50 %", 2, [Epoch(1, 0.9), Epoch(2, 0.5), Epoch(3, 0.6)]), new(43, "time 50 %", 1, [Epoch(1, 0.7)])] : [],
    };

    private static EpochMetrics Epoch(int epoch, double loss) => new(epoch, loss - 0.1, loss, 0.8, 1);

    private static GroupResult Group(string name, double recall) => new(name, 37, new OrderedDictionary<string, Estimate>
    {
        ["recall_20"] = new(recall, recall - 0.01, recall + 0.01),
        ["ndcg_100"] = new(recall + 0.1, recall, recall + 0.2),
        ["uauc"] = new(0.7),
        ["nope_20"] = new(0.005, 0.004, 0.006),
        [Measures.Coverage] = new(0.3),
    });
}
