using TorchSharp;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Training.Histories;

/// <summary>
/// Trains a model whose user tower reads the history (recipe v3): closed-form models of the decisions, a user tower distilled from them
/// that reads sums of history vectors, and item vectors with a part from the content (docs/recipes.md).
/// </summary>
/// <param name="device">Where the dense arithmetic runs.</param>
/// <param name="threads">Threads of it.</param>
/// <param name="time">Clock of rates.</param>
/// <param name="say">Told in one line each what happens.</param>
internal sealed class HistoryTraining(Recipe recipe, torch.Device device, int threads, TimeProvider time, Action<string>? say)
{
    // Of a dimension that nobody uses: it must stay finite.
    private const double LeastShare = 1e-3;

    /// <summary>Trains.</summary>
    /// <exception cref="NothingToTrainException">Too little to learn from.</exception>
    public Checkpoint Run(TableSet tables, IProgress<TrainingProgress>? progress, CancellationToken ct)
    {
        torch.set_num_threads(threads);
        var parallel = new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = threads };
        tables = HeldOutUsers.Without(tables, recipe.Samples.HeldOutUsers).WithLatestDecisions(recipe.Features.MaxDecisions);
        var options = recipe.History;
        var data = Interactions.Read(tables, options.MaxItems, TimeSpan.FromDays(options.TrendDays));
        say?.Invoke($"{data.Users.Count:N0} users, {data.Videos.Count:N0} videos with vectors of their own of {tables.Videos.Count:N0}");

        var rank = recipe.Model.EmbeddingDim - 1;
        DistillationTargets.Check(options, data.Users.Count, rank);
        WarnOfMemory(data.Videos.Count);
        var (pipeline, items) = Features(tables, data);
        ct.ThrowIfCancellationRequested();
        ClosedFormModel closedForm;
        using (TrainingTelemetry.Source.StartActivity("closed-form model"))
        {
            closedForm = ClosedFormModel.Fit(data, options, recipe.Seed, device, threads, say, ct);
        }

        DistillationTargets distillation;
        LinearInitialization initialization;
        using (TrainingTelemetry.Source.StartActivity("distillation targets"))
        {
            distillation = DistillationTargets.Prepare(closedForm, data, rank, options, recipe.Seed, device, parallel);
            say?.Invoke($"{distillation.Histories.Length:N0} histories to learn from, in {distillation.Rank} dimensions");
            initialization = LinearInitialization.Fit(closedForm, distillation, options.Smoothing, device, parallel);
        }

        var training = new UserTowerTraining(recipe, device, time);
        TowerWeights user;
        using (TrainingTelemetry.Source.StartActivity("epochs"))
        {
            user = training.Run(initialization.Pool(distillation.Histories, options.Smoothing, parallel), initialization, distillation, progress, ct);
        }

        (user, var share) = Balance(user, distillation);
        var embeddings = Scale(distillation.Items, share);
        var stranger = Scale(distillation.Everybody(-options.ColdDiscount, device), share);
        using var fitting = TrainingTelemetry.Source.StartActivity("item vectors");
        int[] decisions = Count(data);
        var vectors = ItemVectors.Fit([.. data.Videos.Select(video => video.Id)], embeddings, stranger, initialization, items, decisions, options.ContentRidge, device);
        var likes = data.Users.Sum(one => one.Likes.Length);
        return new()
        {
            Recipe = recipe,
            Pipeline = pipeline.State,
            User = user,
            Item = vectors.Tower,
            History = new(vectors.History, vectors.Ids),
            Training = new(
                data.Users.Count, data.Videos.Count, training.Counts.Training, training.Counts.Validation, likes, 0, training.Epochs.Count, training.Epochs),
            Probes = ProbeSet.Choose([.. data.Videos.Select(PayloadBuilder.BuildItem)]),
        };
    }

    // Said, not refused: a machine that swaps is slow, and does it.
    private void WarnOfMemory(int items)
    {
        const double Giga = 1e9;
        var (needed, there) = (LinearModel.MostBytes(items), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (device.type != DeviceType.CPU || needed <= there) return;
        say?.Invoke(
            $"note: the linear model of {items:N0} videos takes about {needed / Giga:N0} GB, and this process may have {there / Giga:N0} GB: lower history.max_items if it runs out of memory");
    }

    // Vocabularies and standardisers, and the content of the items, row-major, [items × features].
    private (FeaturePipeline Pipeline, float[] Items) Features(TableSet tables, Interactions data)
    {
        using var activity = TrainingTelemetry.Source.StartActivity("features");
        ItemPayload[] items = [.. data.Videos.Select(PayloadBuilder.BuildItem)];
        var users = PayloadBuilder.BuildUsers(tables, data.AsOf, recipe.Features.MaxDecisions).Where(user => user.DecisionStats.DecisionCount > 0);
        var pipeline = FeaturePipeline.Fit(recipe.Features, PayloadBuilder.BuildItems(tables), users, items, data.AsOf, say);
        var features = new float[items.Length * pipeline.ItemDim];
        for (var item = 0; item < items.Length; item++) pipeline.EncodeItem(items[item], features.AsSpan(item * pipeline.ItemDim, pipeline.ItemDim));
        return (pipeline, features);
    }

    // Inner products stay what they are when a dimension of the items is shrunk and that of the users stretched. As learned, all of the spread is
    // on the users' side, and items are alike in all directions: a graph of items among items leads a search for users astray. Half of it on
    // either side, as in a symmetric factorisation, and it finds nearly all. Share: what items are multiplied with and users divided by, [rank].
    internal static (TowerWeights User, float[] Share) Balance(TowerWeights user, DistillationTargets distillation)
    {
        var (rank, histories) = (distillation.Rank, distillation.Histories.Length);
        var spread = new double[rank];
        for (var history = 0; history < histories; history++)
        {
            for (var k = 0; k < rank; k++) spread[k] += Math.Pow(distillation.Targets[history * rank + k], 2);
        }

        var most = spread.Max();
        // The sums are of squares: the fourth root is half of the spread.
        float[] share = [.. spread.Select(sum => (float)Math.Max(LeastShare, most > 0 ? Math.Pow(sum / most, 0.25) : 1))];
        var last = user.Layers[^1];
        float[] weight = [.. last.Weight], bias = [.. last.Bias];
        for (var k = 0; k < rank; k++)
        {
            bias[k] /= share[k];
            for (var i = 0; i < last.InputDim; i++) weight[k * last.InputDim + i] /= share[k];
        }

        return (new([.. user.Layers.SkipLast(1), new(last.InputDim, last.OutputDim, weight, bias)]), share);
    }

    // Each row times the share.
    internal static float[] Scale(float[] rows, float[] share) => [.. rows.Select((value, i) => value * share[i % share.Length])];

    private static int[] Count(Interactions data)
    {
        var decisions = new int[data.Videos.Count];
        foreach (var item in data.Users.SelectMany(user => user.Likes.Concat(user.Nopes))) decisions[item]++;
        return decisions;
    }
}
