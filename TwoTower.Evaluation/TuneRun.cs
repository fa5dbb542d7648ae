using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Evaluation.Results;
using TwoTower.Evaluation.Tuning;

namespace TwoTower.Evaluation;

/// <summary>One <c>twotower tune</c>: rows → splits, once; then trial after trial: a proposal, its evaluation, a line in the study's
/// folder.</summary>
internal sealed class TuneRun(IRun run, TuneOptions options, Action<Tuned> show)
{
    public async Task RunAsync()
    {
        var goal = options.Goal;
        var recipe = RecipeReader.Read(options.Recipe, options.Overrides, Environment.GetEnvironmentVariables(), run.Say);
        var space = SearchSpace.Read(options.Space ?? SearchSpace.NameFor(recipe), recipe);
        Study.Check(options.Study);
        var (tables, name) = await options.Data(space.VideoFeatures);
        tables = tables.WithVideoFeatures(space.VideoFeatures);
        var splits = await options.Protocol.SplitAsync(run, tables, name);
        using var study = Study.Open(options.Study, await Task.Run(() => Plan(recipe, space, tables, name), run.Stop));
        Begin(study, recipe, space);

        var proposals = new Proposals(space, options.Seeds[0]);
        var evaluator = new Evaluator(splits, reRank: false, run.Time);
        string? ended;
        while (true)
        {
            Kept(study);
            run.Stop.ThrowIfCancellationRequested();
            ended = options.Budget.Ends(study.Trials, study.Interrupted);
            if (ended is not null) break;
            var settings = proposals.Next(study.Trials.Count, [.. goal.BestFirst(study.Trials).Select(trial => trial.Settings)]);
            if (settings is null)
            {
                ended = "space";
                break;
            }

            Trial trial;
            await using (study.Run(run.Time))
            {
                trial = await TryAsync(evaluator, splits, study.Trials.Count, settings, space.Apply(settings));
                goal.Check(trial);
                study.Add(trial);
            }

            KeepBest(study, space, recipe);
            run.Say(TrialText.Line(trial, study.Trials, goal));
        }

        KeepBest(study, space, recipe);
        Finish(study, name, recipe, ended);
    }

    private StudyPlan Plan(Recipe recipe, SearchSpace space, TableSet tables, string name) => new()
    {
        DataName = name,
        DataFingerprint = DataFingerprint.Of(tables),
        Protocol = new()
        {
            ["name"] = options.Protocol.Name,
            ["split"] = options.Protocol.Split,
            ["validation_suffix"] = options.Protocol.Suffixes.Validation,
            ["test_suffix"] = options.Protocol.Suffixes.Test,
        },
        Recipe = recipe,
        Space = space,
        Seeds = options.Seeds,
    };

    private void Begin(Study study, Recipe recipe, SearchSpace space)
    {
        var goal = options.Goal;
        run.Say(
            $"{options.Study}: recipe {recipe.Name}, {space.Settings.Count} settings, {Amounts.Count(options.Budget.Trials)} trials"
            + $"{(options.Budget.Time is { } time ? $" and {Amounts.Time(time)}" : "")} at most, for {goal.Objective}"
            + $"{(goal.Requirements.Count > 0 ? $" with {string.Join(" and ", goal.Requirements)}" : "")}");
        if (options.Protocol.Split is null) run.Warn("the protocol time has no test users of its own: what is chosen on its cuts can't be measured on them any more");
        if (study.DroppedHalf) run.Warn("the last trial was only half-written, and is done again");
        if (study.IsOfAnotherBuild) run.Warn("the trials that are there were trained by another build of twotower: if it trains otherwise, name a new --study");
        if (study.Interrupted > TimeSpan.Zero) run.Say($"{Amounts.Time(study.Interrupted)} went into trials that were begun and not finished; they count for --budget");
        if (study.Trials.Count == 0) return;
        foreach (var trial in study.Trials) goal.Check(trial);
        run.Say($"continuing: {Trials(study.Trials.Count)} there, which took {Amounts.Time(Budget.Spent(study.Trials))}");
        run.Say(TrialText.Best(study.Trials, goal));
    }

    // A choice of settings may end a training: that is a result. The recipe itself failing is none.
    private async Task<Trial> TryAsync(Evaluator evaluator, IReadOnlyList<Split> splits, int number, JsonObject settings, Recipe recipe)
    {
        var started = run.Time.GetTimestamp();
        try
        {
            var model = RecipeModel.Create(recipe.Name, new()
            {
                // No metric of a search reads probabilities, and the users that they are fitted on are worth more in the training.
                Recipe = recipe with { Serving = recipe.Serving with { LikeProbability = false } },
                Device = options.Device,
                Threads = options.Threads,
                Say = run.Detail,
                Time = run.Time,
            });
            List<Answers> answers = [];
            foreach (var seed in options.Seeds)
            {
                // Fitting computes on the thread that it was called on: the progress bar needs one of its own.
                answers.AddRange(await run.StageAsync(
                    options.Seeds.Count > 1 ? $"trial {number}, seed {seed}" : $"trial {number}",
                    progress => Task.Run(() => evaluator.AskAsync(model, seed, progress, run.Stop), run.Stop)));
            }

            var result = await Task.Run(() => new Summary(splits, rounds: 0).Of(answers, null, run.Stop).Models[0], run.Stop);
            var metrics = result.WithHistory.Metrics.Select(metric => KeyValuePair.Create(metric.Key, metric.Value.Mean))
                .Append(new(Goal.FitSeconds.Name, Math.Round(result.FitSeconds, 1)));
            return Done(new OrderedDictionary<string, double>(metrics), null);
        }
        catch (Exception e) when (number > 0 && !run.Stop.IsCancellationRequested)
        {
            return Done(new OrderedDictionary<string, double>(), $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
        }

        Trial Done(OrderedDictionary<string, double> metrics, string? failed) => new(
            number, settings, options.Seeds, metrics, Math.Round(run.Time.GetElapsedTime(started).TotalSeconds, 1), run.Time.GetUtcNow(),
            failed);
    }

    private void Kept(Study study) => run.Kept = study.Trials.Count == 0
        ? $"no trial was finished; run the same command to begin again in {options.Study}"
        : $"{Trials(study.Trials.Count)} kept in {options.Study}; run the same command to go on";

    private void KeepBest(Study study, SearchSpace space, Recipe recipe) => study.KeepBest(
        options.Goal.BestFirst(study.Trials) is [var best, ..] && options.Goal.IsMetBy(best)
            ? RecipeReader.ToJson(space.Apply(best.Settings) with { Name = TunedName(recipe.Name) })
            : null);

    // A name of its own, so that both can be evaluated side by side.
    private static string TunedName(string name)
    {
        const string Ending = "-tuned";
        return name.EndsWith(Ending, StringComparison.Ordinal) ? name : name[..Math.Min(name.Length, 32 - Ending.Length)] + Ending;
    }

    private void Finish(Study study, string data, Recipe recipe, string ended)
    {
        var goal = options.Goal;
        var ranked = goal.BestFirst(study.Trials);
        var best = goal.IsMetBy(ranked[0]) ? ranked[0] : null;
        run.Say(ended switch
        {
            "trials" => $"done: {Trials(study.Trials.Count)} there (--trials)",
            "budget" => $"done: another trial would take more than {Amounts.Time(options.Budget.Time!.Value)} (--budget)",
            _ => "done: every choice of settings has been tried",
        });
        var tuned = new Tuned(
            options.Study, data, options.Protocol.Name, options.Protocol.Split, recipe.Name, goal.Objective,
            [.. goal.Requirements.Select(one => one.ToString())],
            study.Trials.Count, Budget.Spent(study.Trials).TotalSeconds, study.Interrupted.TotalSeconds, ended, best, best is null
                ? null : study.BestPath, ranked);
        show(tuned);
        if (best is null)
        {
            throw new InputException(
                $"none of {Trials(study.Trials.Count, "")} fulfils --require {string.Join(" and ", goal.Requirements)}; trial {ranked[0].Number} comes nearest "
                + $"({TrialText.Values(ranked[0], goal)}): ask for less, or give more --trials or another --space");
        }

        run.Say($"best recipe: {study.BestPath}; 'twotower train --recipe {study.BestPath}' trains it");
        run.Say($"before you rely on it: twotower evaluate --recipe {options.Recipe} --recipe {study.BestPath} --reference {recipe.Name} --seeds 42,43,44, with the same data");
    }

    private static string Trials(int count, string verb = " are") => count == 1 ? $"1 trial{(verb == " are" ? " is" : verb)}" : $"{Amounts.Count(count)} trials{verb}";
}
