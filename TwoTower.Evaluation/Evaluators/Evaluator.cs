using TwoTower.Core.Artifacts;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Loop;

namespace TwoTower.Evaluation.Evaluators;

/// <summary>Fits a model on each split of a protocol and asks it every query.</summary>
/// <param name="splits">The protocol's splits.</param>
/// <param name="reRank">True: recipes are measured a second time, re-ranked.</param>
/// <param name="time">The clock of <see cref="Answers.FitTime"/>.</param>
/// <param name="afterwards">Gets each fitted model with its answers, before it is gone; null: nobody asks it more.</param>
internal sealed class Evaluator(
    IReadOnlyList<Split> splits, bool reRank, TimeProvider time,
    Func<EvaluatedSplit, IProgress<EvaluationProgress>?, CancellationToken, Task>? afterwards = null)
{
    /// <summary>The answers of a model; a second set, re-ranked, of a recipe where that is wanted.</summary>
    /// <param name="model">Who is asked.</param>
    /// <param name="seed">What everything random comes from.</param>
    /// <param name="progress">Told of each step.</param>
    public async Task<IReadOnlyList<Answers>> AskAsync(
        EvaluatedModel model, int seed, IProgress<EvaluationProgress>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(model);
        bool[] orders = reRank && model.IsRecipe ? [false, true] : [false];
        var results = orders.Select(_ => new List<IReadOnlyList<QueryResult>>()).ToArray();
        var curves = new List<TrainingSummary?>();
        var fitTime = TimeSpan.Zero;
        foreach (var split in splits)
        {
            ct.ThrowIfCancellationRequested();
            var training = progress is null ? null : new Steps(split.Name, progress);
            var started = time.GetTimestamp();
            using var scorer = await model.FitAsync(new(split, seed, training, ct));
            fitTime += time.GetElapsedTime(started);
            curves.Add(scorer.Training);
            var answers = Ask(split, scorer, orders, progress, ct);
            for (var order = 0; order < orders.Length; order++) results[order].Add(answers[order]);
            if (afterwards is not null) await afterwards(new(model, seed, split, scorer, answers[0]), progress, ct);
        }

        return [.. orders.Select((isReRanked, order) => new Answers(
            model.Name, model.IsRecipe, isReRanked, model.IsSeeded ? seed : null, results[order], fitTime, curves))];
    }

    private static QueryResult[][] Ask(
        Split split, IScorer scorer, bool[] orders, IProgress<EvaluationProgress>? progress, CancellationToken ct)
    {
        var results = orders.Select(_ => new QueryResult[split.Queries.Count]).ToArray();
        var scores = new float[split.Items.Count];
        for (var query = 0; query < split.Queries.Count; query++)
        {
            ct.ThrowIfCancellationRequested();
            var asked = split.Queries[query];
            scorer.Score(asked, scores);
            var probability = scorer.Probability(asked);
            for (var order = 0; order < orders.Length; order++)
            {
                results[order][query] = RankingMetrics.Measure(split, asked, scores, orders[order]) with
                {
                    Probabilities = probability is null ? null : (Of(asked.Targets, probability), Of(asked.HeldOutNopes, probability)),
                };
            }

            progress?.Report(new(split.Name, "users", query + 1, split.Queries.Count, null));
        }

        return results;

        double[] Of(int[] items, Func<float, double> probability) => [.. items.Select(item => probability(scores[item]))];
    }

    private sealed class Steps(string split, IProgress<EvaluationProgress> progress) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => progress.Report(new(
            split, "training steps", (value.Epoch - 1L) * value.Steps + value.Step, (long)value.Epochs * value.Steps,
            $"epoch {value.Epoch} of {value.Epochs}, loss {value.Loss:0.0000}"));
    }
}

/// <summary>A fitted model and its answers.</summary>
/// <param name="Model">Whose it is.</param>
/// <param name="Split">What it was fitted on and asked.</param>
/// <param name="Scorer">The model.</param>
/// <param name="Results">[queries] its answers, not re-ranked.</param>
internal sealed record EvaluatedSplit(EvaluatedModel Model, int Seed, Split Split, IScorer Scorer, IReadOnlyList<QueryResult> Results);

/// <summary>Where an examination is.</summary>
/// <param name="Split">Which split.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Done">How many are done.</param>
/// <param name="Total">How many there are.</param>
/// <param name="Note">More, in a few words.</param>
internal readonly record struct EvaluationProgress(string Split, string Unit, long Done, long Total, string? Note);
