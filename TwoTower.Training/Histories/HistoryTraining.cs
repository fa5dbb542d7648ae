using TorchSharp;
using TwoTower.Core;
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
        (tables, var data) = Read(tables);
        var options = recipe.History;
        say?.Invoke($"{data.Users.Count:N0} users, {data.Videos.Count:N0} videos with vectors of their own of {tables.Videos.Count:N0}");

        var rank = recipe.Model.EmbeddingDim - 1;
        DistillationTargets.Check(options, data.Users.Count, rank);
        CheckSize(data);
        var (pipeline, items) = Features(tables, data);
        ct.ThrowIfCancellationRequested();
        (var closedForm, options, var chosen) = FitClosedForm(data, ct);
        var (distillation, initialization) = Targets(closedForm, data, rank, options, parallel);

        var training = new UserTowerTraining(recipe, device, time);
        TowerWeights user;
        using (TrainingTelemetry.Source.StartActivity("epochs"))
        {
            user = training.Run(
                initialization.Pool(distillation.Histories, options.Smoothing, parallel), initialization, distillation, progress, ct,
                closedForm.IsPopularity);
        }

        (user, var share) = Balance(user, distillation);
        var embeddings = Scale(distillation.Items, share);
        var stranger = Scale(distillation.Everybody(-options.ColdDiscount, device), share);
        using var fitting = TrainingTelemetry.Source.StartActivity("item vectors");
        int[] decisions = Count(data);
        var others = recipe.History.Chooses("max_items")
            ? OtherItems.Read(tables, data, ItemVectors.Most(rank), options, closedForm.IsPopularity, recipe.Seed, threads, ct) : null;
        if (others is not null)
        {
            var full = data.Videos.Count + others.Videos.Count == ItemVectors.Most(rank);
            say?.Invoke($"{others.Videos.Count:N0} more videos have vectors from the factors of their likes"
                + (full ? "; a release has no room for more, and those with fewer decisions live by their content" : ""));
        }

        var one = others is null ? null : Scale(distillation.Everybody(1, device), share);
        var vectors =
            ItemVectors.Fit(
                [.. data.Videos.Select(video => video.Id)], embeddings, stranger, initialization, items, decisions, options.ContentRidge,
                device, others, one, (video, features) => pipeline.EncodeItem(PayloadBuilder.BuildItem(video), features));
        var likes = data.Users.Sum(one => one.Likes.Length);
        return new()
        {
            Recipe = recipe,
            Pipeline = pipeline.State,
            User = user,
            Item = vectors.Tower,
            History = new(vectors.History, vectors.Ids),
            Training = new(
                data.Users.Count, data.Videos.Count, training.Counts.Training, training.Counts.Validation, likes, 0, training.Epochs.Count,
                training.Epochs)
            {
                Chosen = chosen,
            },
            Probes = ProbeSet.Choose([.. data.Videos.Select(PayloadBuilder.BuildItem)]),
        };
    }

    /// <summary>What the user tower learns from, alone.</summary>
    public TowerLessons FitLessons(TableSet tables, CancellationToken ct)
    {
        torch.set_num_threads(threads);
        var parallel = new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = threads };
        var (_, data) = Read(tables);
        CheckSize(data);
        var (closedForm, options, _) = FitClosedForm(data, ct);
        var (distillation, linear) = Targets(closedForm, data, recipe.Model.EmbeddingDim - 1, options, parallel);
        return new(closedForm, distillation, linear, options.Smoothing, data.Videos);
    }

    private (DistillationTargets Targets, LinearInitialization Linear) Targets(
        ClosedFormModel closedForm, Interactions data, int rank, HistoryOptions options, ParallelOptions parallel)
    {
        using var activity = TrainingTelemetry.Source.StartActivity("distillation targets");
        var targets = DistillationTargets.Prepare(closedForm, data, rank, options, recipe.Seed, device, parallel);
        say?.Invoke($"{targets.Histories.Length:N0} histories to learn from, in {targets.Rank} dimensions");
        return (targets, LinearInitialization.Fit(closedForm, targets, options.Smoothing, device, parallel));
    }

    private (TableSet Tables, Interactions Data) Read(TableSet tables)
    {
        var read = tables;
        tables = HeldOutUsers.Without(tables, recipe.Samples.HeldOutUsers).WithLatestDecisions(recipe.Features.MaxDecisions);
        UsedDecisions.Tell(read, tables, recipe.Samples.HeldOutUsers, say);
        return (tables, Interactions.Read(tables, MostItems(tables, recipe.History), TimeSpan.FromDays(recipe.History.TrendDays)));
    }

    private (ClosedFormModel Model, HistoryOptions Options, ChosenSettings? Chosen) FitClosedForm(Interactions data, CancellationToken ct)
    {
        var options = recipe.History;
        ChosenSettings? chosen = null;
        FittedFactors? near = null;
        if (options.Choose is not null)
        {
            using var choosing = TrainingTelemetry.Source.StartActivity("settings");
            (options, chosen, near) = new SettingsSearch(data, options, recipe.Seed, device, threads, say, ct).Run();
        }

        options = LinearModel.Absolute(options, data);
        using var activity = TrainingTelemetry.Source.StartActivity("closed-form model");
        var model = chosen?.ServesPopularity == true
            ? ClosedFormModel.OfPopularity(data, options)
            : ClosedFormModel.Fit(data, options, recipe.Seed, device, threads, say, ct, near);
        return (model, options, chosen);
    }

    // Without nopes the linear model's matrix has half of the rows: twice as many videos take the same memory.
    private static int MostItems(TableSet tables, HistoryOptions options) =>
        options.Chooses("max_items") && tables.Decisions.All(row => row.Type == DecisionType.Like) ? 2 * options.MaxItems : options.MaxItems;

    // Memory is said, not refused: a machine that swaps is slow, and does it. What no array holds is refused.
    private void CheckSize(Interactions data)
    {
        const double Giga = 1e9;
        var (items, size) = (data.Videos.Count, LinearModel.Size(data.Videos.Count, data.HasNopes));
        if (size * size > Array.MaxLength)
        {
            throw new InputException(
                $"history.max_items {recipe.History.MaxItems}: the linear model of {items:N0} videos{(data.HasNopes ? ", likes and nopes," : "")} has {size:N0} × {size:N0} numbers, "
                + $"more than one array holds: set it to {(int)Math.Sqrt(Array.MaxLength) / (data.HasNopes ? 2 : 1)} at most");
        }

        var (needed, there) = (LinearModel.MostBytes(items, data.HasNopes), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (device.type != DeviceType.CPU || needed <= there) return;
        say?.Invoke(
            $"note: the linear model of {items:N0} videos takes about {needed / Giga:N0} GB, and this process may have {there / Giga:N0} GB: lower history.max_items if it runs out of memory");
    }

    // Vocabularies and standardisers, and the content of the items, row-major, [items × features].
    private (FeaturePipeline Pipeline, float[] Items) Features(TableSet tables, Interactions data)
    {
        using var activity = TrainingTelemetry.Source.StartActivity("features");
        ItemPayload[] items = [.. data.Videos.Select(PayloadBuilder.BuildItem)];
        var users =
            PayloadBuilder.BuildUsers(tables, data.AsOf, recipe.Features.MaxDecisions).Where(user => user.DecisionStats.DecisionCount > 0);
        var pipeline = FeaturePipeline.Fit(recipe.Features, PayloadBuilder.BuildItems(tables), users, items, data.AsOf, say);
        var features = new float[items.Length * pipeline.ItemDim];
        for (var item = 0; item < items.Length; item++) pipeline.EncodeItem(
            items[item], features.AsSpan(item * pipeline.ItemDim, pipeline.ItemDim));
        return (pipeline, features);
    }

    // Inner products stay what they are when a dimension of the items is shrunk and that of the users stretched. As learned, all of the
    // spread is on the users' side, and items are alike in all directions: a graph of items among items leads a search for users astray.
    // Half of it on either side, as in a symmetric factorisation, and it finds nearly all. Share: what items are multiplied with and users
    // divided by, [rank].
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
