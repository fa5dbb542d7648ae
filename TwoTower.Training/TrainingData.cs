using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Features;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Training;

/// <summary>From rows to what a training reads: samples, payloads, a fitted pipeline, vectors.</summary>
/// <param name="Set">Vectors and samples.</param>
/// <param name="Pipeline">Fitted on the distinct users and videos of all samples; vocabularies on all videos.</param>
/// <param name="Probes">A few of the videos, evenly spread over the catalogue: what a release is probed with (docs/releases.md).</param>
internal sealed record TrainingData(TrainingSet Set, FeaturePipeline Pipeline, IReadOnlyList<ItemPayload> Probes)
{
    /// <summary>Reads and computes everything.</summary>
    /// <param name="recipe">Samples, vocabularies, seed, and whether payloads come from SQL.</param>
    /// <param name="payloads">The database that computes the payloads; null computes them here, from the rows.</param>
    /// <param name="say">Told what happens.</param>
    /// <exception cref="NothingToTrainException">The rows hold nothing to learn from.</exception>
    public static async Task<TrainingData> BuildAsync(
        TableSet tables, Recipe recipe, NpgsqlDataSource? payloads, Action<string>? say, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(recipe);
        var (all, decisions, read) = (tables.Profiles.Count, tables.Decisions.Count, tables);
        tables = HeldOutUsers.Without(tables, recipe.Samples.HeldOutUsers).WithLatestDecisions(recipe.Features.MaxDecisions);
        UsedDecisions.Tell(read, tables, recipe.Samples.HeldOutUsers, say);
        if (decisions > 0 && tables.Decisions.Count == 0)
        {
            throw new NothingToTrainException(
                $"All {decisions} decisions are of users whom every training leaves out (samples.held_out_users {recipe.Samples.HeldOutUsers}): "
                + "wait for more users, or train with --set samples.held_out_users=0.");
        }

        if (tables.Profiles.Count < all) say?.Invoke($"{all - tables.Profiles.Count:N0} of {all:N0} profiles are kept out of every training, to measure releases on");
        SampleSet samples;
        using (TrainingTelemetry.Source.StartActivity("samples"))
        {
            samples = SampleBuilder.Build(tables, recipe.Samples, recipe.Seed);
            say?.Invoke(
                $"{samples.Count:N0} samples of {samples.Users.Count:N0} users and {samples.Videos.Count:N0} videos "
                + $"({samples.Type.Count(t => t == SampleType.Like):N0} likes, {samples.Type.Count(t => t == SampleType.Nope):N0} nopes, "
                + $"{samples.Type.Count(t => t == SampleType.SampledNegative):N0} sampled negatives)");
        }

        ct.ThrowIfCancellationRequested();
        using (TrainingTelemetry.Source.StartActivity("features"))
        {
            var (users, items) = payloads is null ? Compute(tables, samples, ct) : await ReadAsync(payloads, samples, recipe.Features, ct);
            var byUser = users.ToDictionary(user => user.UserId);
            var byVideo = items.ToDictionary(item => item.VideoId);
            var sampleUsers = Pick(samples.Users, byUser, "user", "get_user_embedding_features");
            var sampleItems = Pick(samples.Videos, byVideo, "video", "get_item_embedding_features");
            var pipeline = FeaturePipeline.Fit(recipe.Features, items, sampleUsers, sampleItems, samples.AsOf, say);
            var set = new TrainingSet(
                pipeline.EncodeUsers(sampleUsers, samples.AsOf), pipeline.EncodeItems(sampleItems), samples,
                recipe.Samples.TrainValSplit, recipe.Seed);
            say?.Invoke(
                $"{pipeline.UserDim} user and {pipeline.ItemDim} item features; {set.TrainingRows.Length:N0} samples to train on, "
                + $"{set.ValidationRows.Length:N0} held out");
            return new(set, pipeline, ProbeSet.Choose(sampleItems));
        }
    }

    private static (IReadOnlyCollection<UserPayload>, IReadOnlyCollection<ItemPayload>) Compute(
        TableSet tables, SampleSet samples, CancellationToken ct)
    {
        var wanted = samples.Users.ToHashSet();
        var users = new List<UserPayload>(wanted.Count);
        foreach (var history in PayloadBuilder.Histories(tables))
        {
            ct.ThrowIfCancellationRequested();
            if (wanted.Contains(history.UserId)) users.Add(PayloadBuilder.BuildUser(history, samples.AsOf));
        }

        return (users, PayloadBuilder.BuildItems(tables));
    }

    private static async Task<(IReadOnlyCollection<UserPayload>, IReadOnlyCollection<ItemPayload>)> ReadAsync(
        NpgsqlDataSource db, SampleSet samples, FeatureOptions features, CancellationToken ct)
    {
        var users = new List<UserPayload>(samples.Users.Count);
        await foreach (
            var user in PayloadReader.ReadUsersAsync(db, samples.Users.ToArray(), samples.AsOf, ct, features.MaxDecisions)) users.Add(user);
        var items = new List<ItemPayload>();
        await foreach (var item in PayloadReader.ReadItemsAsync(db, null, features.VideoFeatures ?? [], ct)) items.Add(item);
        return (users, items);
    }

    // The tables were read first; a row that is gone by now is an answer that doesn't fit, not a zero vector.
    private static List<T> Pick<T>(IReadOnlyList<Guid> ids, Dictionary<Guid, T> payloads, string what, string function) =>
        [.. ids.Select(id => payloads.TryGetValue(id, out var payload)
            ? payload
            : throw new Core.InputException($"{function} has nothing for {what} {id}, whose rows were there a moment ago: was it deleted? Train again."))];
}
