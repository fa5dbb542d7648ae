using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Training.Randomness;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests.Report;

public sealed class SuiteTests : IDisposable
{
    private readonly string _report = Path.Combine(Path.GetTempPath(), $"suite-{Guid.NewGuid():N}.html");
    private readonly Run _run = new();

    public void Dispose() => File.Delete(_report);

    [Fact]
    public async Task Every_set_is_a_row_against_its_own_best_baseline_and_one_that_cannot_be_asked_is_left_out_and_named()
    {
        var suite = await new SuiteRun(_run, Options, [("popular", Popular), ("empty", Empty), ("themes", Themes)]).RunAsync();

        Assert.Equal(["popular", "themes"], suite.Sets.Select(set => set.Data));
        Assert.Equal(["popularity", "item-knn"], suite.Sets.Select(set => set.Reference));
        Assert.Contains(_run.Warnings, line => line.StartsWith("empty is left out: empty has no likes", StringComparison.Ordinal));
        Assert.All(suite.Sets, set => Assert.Contains(set.Models, model => model.Difference is { } difference && difference.Metrics["ndcg_100"].Low is not null));
        var tables = suite.Tables().ToList();
        Assert.Equal(["ndcg@100", "recall@20"], tables.Select(table => table.Title));
        Assert.All(tables, table => Assert.Equal([table.Columns.Count, table.Columns.Count], table.Rows.Select(row => row.Count)));
        var page = await File.ReadAllTextAsync(_report);
        Assert.Contains("<h1>Evaluation: 2 sets, held-out-users</h1>", page, StringComparison.Ordinal);
        Assert.Contains("themes", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_set_can_be_asked_the_run_says_why() => Assert.Contains(
        "has no likes", (await Assert.ThrowsAsync<InputException>(() => new SuiteRun(_run, Options, [("empty", Empty)]).RunAsync())).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_set_that_a_recipe_has_nothing_to_train_on_is_left_out_and_the_others_are_not_lost()
    {
        var options = Options with { Recipes = ["v2"], Overrides = ["training.epochs=1"], Baselines = ["popularity"], Reference = "popularity", Report = null };

        var suite = await new SuiteRun(_run, options, [("three", Three), ("themes", Themes)]).RunAsync();

        Assert.Equal(["themes"], suite.Sets.Select(set => set.Data));
        Assert.Contains(_run.Warnings, line => line.StartsWith("three is left out: ", StringComparison.Ordinal));
        var alone = await Assert.ThrowsAnyAsync<Exception>(() => new SuiteRun(_run, options, [("three", Three)]).RunAsync());
        Assert.Contains(_run.Warnings, line => line == $"three is left out: {alone.Message}");
    }

    private EvaluateOptions Options => new()
    {
        Data = Popular,
        Protocol = new(ProtocolChoice.HeldOutUsers, new("1", "0"), Protocols.HeldOutGroup.Validation),
        Recipes = [],
        Overrides = [],
        Baselines = ["popularity", "item-knn"],
        Seeds = [42],
        ReRank = false,
        Reference = null,
        BootstrapRounds = 50,
        Dump = null,
        Report = _report,
        Live = null,
        Device = Training.TrainingDevice.Cpu,
        Threads = 1,
    };

    // Popular videos are liked by chance, whatever else a user likes.
    private static Task<(TableSet, string)> Popular(IReadOnlyCollection<string>? videoFeatures)
    {
        var random = new SeededRandom(3, RandomPurpose.Negatives);
        return Task.FromResult((Likers((_, video) => random.NextDouble() < 0.95 / (1 + video / 8.0)), "popular"));
    }

    private static Task<(TableSet, string)> Themes(IReadOnlyCollection<string>? videoFeatures) => Task.FromResult((Likers((user, video) => video % 4 == user / 10 % 4), "themes"));

    private static Task<(TableSet, string)> Three(IReadOnlyCollection<string>? videoFeatures) =>
        Task.FromResult((Of((1, 1, DecisionType.Like), (1, 2, DecisionType.Like), (2, 1, DecisionType.Like), (3, 2, DecisionType.Nope)), "three"));

    private static Task<(TableSet, string)> Empty(IReadOnlyCollection<string>? videoFeatures) => Task.FromResult((Of((1, 1, DecisionType.Nope)), "empty"));

    private static TableSet Likers(Func<int, int, bool> likes) =>
        Of([.. Enumerable.Range(1, 300).SelectMany(
            user => Enumerable.Range(1, 60).Where(video => likes(user, video)).Select(video => (user, video, DecisionType.Like)))]);

    private sealed class Run : IRun
    {
        public List<string> Warnings { get; } = [];

        public TimeProvider Time => TimeProvider.System;

        public CancellationToken Stop => default;

        public string? Kept { private get; set; }

        public void Say(string message)
        {
        }

        public void Detail(string message)
        {
        }

        public void Warn(string message) => Warnings.Add(message);

        public Task<T> StageAsync<T>(string title, Func<IProgress<EvaluationProgress>, Task<T>> work) =>
            work(new Progress<EvaluationProgress>());
    }
}
