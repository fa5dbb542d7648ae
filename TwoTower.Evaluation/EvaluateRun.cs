using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Evaluation.Baselines;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Evaluation.Report;
using TwoTower.Evaluation.Results;
using TwoTower.Training;

namespace TwoTower.Evaluation;

/// <summary>One <c>twotower evaluate</c>: rows → splits → each model's answers → numbers, files and tables.</summary>
internal sealed class EvaluateRun(IRun run, EvaluateOptions options)
{
    /// <summary>As a reference: the baseline that turns out to have the highest ndcg@100.</summary>
    public const string BestBaseline = "best-baseline";

    private readonly BaselineModels _baselines = new(BaselineSettings.Parse(options.BaselineSettings), run.Say);

    public async Task<Evaluated> RunAsync()
    {
        run.Kept = "nothing was written; run the same command to start over";
        RequireFile("--dump", options.Dump);
        RequireFile("--report", options.Report);
        Recipe[] recipes =
            [.. options.Recipes.Select(
                given => RecipeReader.Read(given, options.Overrides, Environment.GetEnvironmentVariables(), run.Say))];
        var models = Models(recipes);
        var (tables, name) = await options.Data([.. recipes.SelectMany(recipe => recipe.Features.VideoFeatures ?? []).Distinct()]);
        var splits = await options.Protocol.SplitAsync(run, tables, name);
        models = WithoutTooLarge(models, splits.Max(split => split.Items.Count));

        // Before anything is trained: who lacks a server for it, or the right to use it so, learns it at once.
        var live = options.Live is null ? null : await options.Live(splits);
        var answers = await AskAsync(splits, models, live);
        var reference = options.Reference == BestBaseline ? Best(answers) : options.Reference;
        var numbers = await Task.Run(() => new Summary(splits, options.BootstrapRounds).Of(answers, reference, run.Stop), run.Stop);
        var evaluation = new Evaluated(
            name, options.Protocol.Name, options.Protocol.Split, ComputeDevice.PhysicalCores(), run.Time.GetUtcNow(), reference,
            numbers.Splits, numbers.Models)
        {
            BaselineSettings = _baselines.Fits,
            Live = live?.Results(options.BootstrapRounds),
        };
        if (options.Dump is { } dump)
        {
            RankingDump.Write(dump, tables, splits, Dumped(answers));
            run.Say($"rankings: {dump}");
        }

        if (options.Report is { } report)
        {
            EvaluationPage.Write(report, evaluation);
            run.Say($"report: {report}");
        }

        return evaluation;
    }

    // Before minutes of work, not after.
    private static void RequireFile(string option, string? path)
    {
        if (Directory.Exists(path)) throw new InputException($"{option} {path} is a folder: name a file in it");
    }

    private List<EvaluatedModel> Models(Recipe[] given)
    {
        var recipes = given.Select(recipe => RecipeModel.Create(recipe.Name, new()
        {
            Recipe = recipe,
            Device = options.Device,
            Threads = options.Threads,
            Say = run.Detail,
            Time = run.Time,
        }));
        var baselines = options.Baselines is ["none"] ? [] : options.Baselines.Count == 0 ? _baselines.All : options.Baselines.Select(_baselines.Named);
        List<EvaluatedModel> models =
            [.. baselines, .. options.ClosedForms
                ? given.Where(recipe => recipe.Kind == RecipeKind.History).SelectMany(ClosedForms) : [], .. recipes];
        if (models.Count == 0) throw new InputException("--baseline none without a --recipe leaves nobody to evaluate: give a --recipe");
        if (models.CountBy(model => model.Name).FirstOrDefault(name => name.Value > 1) is { Key: { } twice })
        {
            throw new InputException($"'{twice}' is given twice: two recipes need two names (key 'name' of the file)");
        }

        if (options.Live is not null && !models.Exists(model => model.IsRecipe))
        {
            throw new InputException("--live asks the API about a recipe's release, and no recipe is evaluated: give a --recipe");
        }

        if (options.Reference == BestBaseline && options.Baselines is ["none"]) throw new InputException($"--reference {BestBaseline} and --baseline none don't go together: name a baseline");
        return options.Reference is null or BestBaseline || models.Any(model => model.Name == options.Reference)
            ? models
            : throw new InputException(
                $"--reference {options.Reference} is not evaluated here: name one of {string.Join(", ", models.Select(model => model.Name))}");
    }

    private IReadOnlyList<EvaluatedModel> ClosedForms(Recipe recipe) =>
        ClosedFormScorer.Models(recipe, options.Device, options.Threads, run.Detail);

    // Before anything is fitted, not after minutes of work. What nobody asked for by name is left out.
    private List<EvaluatedModel> WithoutTooLarge(List<EvaluatedModel> models, int items)
    {
        foreach (var model in models.Where(model => items > model.MostItems))
        {
            var why = $"{model.Name} takes {Amounts.Count(model.MostItems!.Value)} items at most, and here are {Amounts.Count(items)}";
            if (options.Baselines.Count > 0 || options.Reference == model.Name) throw new InputException($"{why}: name other baselines with --baseline and --reference");
            run.Warn($"{why}: it is left out");
        }

        return [.. models.Where(model => !(items > model.MostItems))];
    }

    private async Task<List<Answers>> AskAsync(IReadOnlyList<Split> splits, List<EvaluatedModel> models, ILiveEvaluation? live)
    {
        var evaluator = new Evaluator(splits, options.ReRank, run.Time, live is null ? null : live.AskAsync);
        List<Answers> answers = [];
        foreach (var model in models)
        {
            foreach (var seed in model.IsSeeded ? options.Seeds : [options.Seeds[0]])
            {
                // Fitting computes on the thread that it was called on: the progress bar needs one of its own.
                answers.AddRange(await run.StageAsync(
                    model.IsSeeded ? $"{model.Name}, seed {seed}" : model.Name,
                    progress => Task.Run(() => evaluator.AskAsync(model, seed, progress, run.Stop), run.Stop)));
            }
        }

        return answers;
    }

    private string? Best(List<Answers> answers)
    {
        var baselines = _baselines.All.Select(model => model.Name).ToHashSet();
        return answers.Where(answer => baselines.Contains(answer.Model)).GroupBy(answer => answer.Model)
            .MaxBy(group => group.Average(answer => answer.BySplit.SelectMany(results => results).Average(result => result.Ndcg100)))?.Key;
    }

    // The recipes where there are any: they are what somebody wants to check. Of several seeds the first.
    private static List<Answers> Dumped(List<Answers> answers)
    {
        var plain = answers.Where(answer => !answer.IsReRanked).ToList();
        return [.. (plain.Exists(answer => answer.IsRecipe) ? plain.Where(answer => answer.IsRecipe) : plain).DistinctBy(
            answer => answer.Model)];
    }
}
