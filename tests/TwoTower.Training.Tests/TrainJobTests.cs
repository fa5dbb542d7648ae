using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Testing;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;
using TwoTower.Training.Tests.Loop;

namespace TwoTower.Training.Tests;

[Collection(nameof(Torch))]
public sealed class TrainJobTests : IDisposable
{
    private static readonly TableSet Tables = CsvTableReader.Read(Golden.Folder);

    private static readonly Recipe Recipe = new()
    {
        Features = new() { MaxTagVocab = 20, MaxActressVocab = 12 },
        Samples = new() { HeldOutUsers = 0 }, // the golden numbers are over all users
        Model = new() { HiddenDims = [48, 32], EmbeddingDim = 16 },
        Training = new() { Epochs = 4, BatchSize = 128 },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    private string CheckpointPath => Path.Combine(_folder.Path, "latest.safetensors");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Shortcuts.None)]
    [InlineData(Shortcuts.Exact)]
    [InlineData(Shortcuts.SharedDropout)]
    public async Task The_same_seed_data_and_threads_give_the_same_bytes(Shortcuts shortcuts)
    {
        var first = await Bytes(Options() with { Shortcuts = shortcuts });
        var second = await Bytes(Options() with { Shortcuts = shortcuts });
        Assert.Equal(first, second);
        Assert.NotEqual(first, await Bytes(Options() with { Shortcuts = shortcuts, Recipe = Recipe with { Seed = 43 } }));
    }

    [Theory]
    [InlineData(Shortcuts.None, 1)]
    [InlineData(Shortcuts.None, 3)]
    [InlineData(Shortcuts.SharedDropout, 1)]
    [InlineData(Shortcuts.SharedDropout, 2)]
    [InlineData(Shortcuts.SharedDropout, 3)]
    public async Task A_training_killed_after_any_epoch_and_resumed_ends_like_one_that_ran_through(Shortcuts shortcuts, int killedAfter)
    {
        var through = await Bytes(Options() with { Shortcuts = shortcuts });
        File.Delete(CheckpointPath);

        using var kill = new CancellationTokenSource();
        var progress = new Watch(p => { if (p.Epoch == killedAfter + 1 && p.Step == 2) kill.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => TrainJob.RunAsync(Options() with { Shortcuts = shortcuts }, progress, kill.Token));
        Assert.Equal(killedAfter, CheckpointStore.Read(CheckpointPath).Resume!.Epoch);

        var resumed =
            await TrainJob.RunAsync(
                Options() with { Shortcuts = shortcuts, Resume = Resumption.IfInterrupted }, null, CancellationToken.None);
        Assert.Equal(killedAfter, resumed.ResumedAfterEpoch);
        Assert.Equal(through, await File.ReadAllBytesAsync(CheckpointPath));
    }

    [Fact]
    public async Task A_finished_training_goes_on_only_where_more_epochs_are_wanted_on_purpose()
    {
        var finished = await Bytes(Options());
        Assert.True(CheckpointStore.Read(CheckpointPath).Resume!.Finished);
        var longer = Options() with { Recipe = Recipe with { Training = Recipe.Training with { Epochs = 6 } } };
        var again = await TrainJob.RunAsync(Options() with { Resume = Resumption.IfInterrupted }, null, CancellationToken.None);
        Assert.Equal((0, 4), (again.ResumedAfterEpoch, again.Checkpoint.Training.Epochs.Count));
        Assert.Equal(finished, await File.ReadAllBytesAsync(CheckpointPath));
        Assert.DoesNotContain(_said, line => line.Contains("interrupted"));

        var result = await TrainJob.RunAsync(longer with { Resume = Resumption.Required }, null, CancellationToken.None);
        Assert.Equal((4, 6), (result.ResumedAfterEpoch, result.Checkpoint.Training.Epochs.Count));
        var refused =
            await Assert.ThrowsAsync<InputException>(
                () => TrainJob.RunAsync(longer with { Resume = Resumption.Required }, null, CancellationToken.None));
        Assert.Contains("is finished after 6 epochs", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_training_stopped_after_its_last_epoch_is_finished_without_another_and_has_no_rate()
    {
        var through = await Bytes(Options());
        var read = CheckpointStore.Read(CheckpointPath);
        CheckpointStore.Write(CheckpointPath, read with { Resume = read.Resume! with { Finished = false } });
        var result = await TrainJob.RunAsync(Options() with { Resume = Resumption.IfInterrupted }, null, CancellationToken.None);
        Assert.Equal((4, (double?)null), (result.ResumedAfterEpoch, result.SamplesPerSecond));
        Assert.Contains(_said, line => line.StartsWith("resuming after epoch 4 (the last", StringComparison.Ordinal));
        Assert.Equal(through, await File.ReadAllBytesAsync(CheckpointPath));
    }

    [Theory]
    [InlineData("training.lr=0.01", "training.lr 0.001, now 0.01")]
    [InlineData("training.epochs=1", "training.epochs 4, now 1")] // two are done
    [InlineData("seed=43", "seed 42, now 43")]
    [InlineData("data", "it was made from other data")]
    [InlineData("shortcuts", "with shortcuts SharedDropout, now on cpu with Exact")]
    [InlineData("kind=history", "kind \"statistics\", now \"history\"")]
    public async Task An_interrupted_training_that_differs_is_told_of_and_kept_until_it_is_replaced(string change, string difference)
    {
        await InterruptAsync(2);
        var before = await File.ReadAllBytesAsync(CheckpointPath);
        var other = change switch
        {
            "data" => Options() with { Tables = Tables with { Decisions = [.. Tables.Decisions.Skip(1)] } },
            "shortcuts" => Options() with { Shortcuts = Shortcuts.Exact },
            _ => Options() with { Recipe = Changed(change) },
        };

        var refused =
            await Assert.ThrowsAsync<InputException>(
                () => TrainJob.RunAsync(other with { Resume = Resumption.Required }, null, CancellationToken.None));
        Assert.Contains(difference, refused.Message, StringComparison.Ordinal);

        // Stopped at the moment where it says so: nothing is lost.
        using var stop = new CancellationTokenSource();
        var stopped = other with
        {
            Resume = Resumption.IfInterrupted,
            Say = line =>
            {
                _said.Add(line);
                if (line.StartsWith("an interrupted training", StringComparison.Ordinal)) stop.Cancel();
            },
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainJob.RunAsync(stopped, null, stop.Token));
        Assert.Equal(before, await File.ReadAllBytesAsync(CheckpointPath));
        var said = Assert.Single(_said, line => line.StartsWith("an interrupted training is in ", StringComparison.Ordinal));
        Assert.Contains("2 of 4 epochs", said, StringComparison.Ordinal);
        Assert.Contains(difference, said, StringComparison.Ordinal);

        if (change.StartsWith("kind", StringComparison.Ordinal)) return; // the golden world is too small for that recipe
        var result = await TrainJob.RunAsync(other with { Resume = Resumption.IfInterrupted }, null, CancellationToken.None);
        Assert.Equal(0, result.ResumedAfterEpoch);
        Assert.True(result.SamplesPerSecond > 0);
    }

    private static Recipe Changed(string change) => change switch
    {
        "training.lr=0.01" => Recipe with { Training = Recipe.Training with { Lr = 0.01 } },
        "training.epochs=1" => Recipe with { Training = Recipe.Training with { Epochs = 1 } },
        "seed=43" => Recipe with { Seed = 43 },
        _ => Recipe with { Kind = RecipeKind.History },
    };

    private async Task InterruptAsync(int afterEpoch)
    {
        using var kill = new CancellationTokenSource();
        var progress = new Watch(p => { if (p.Epoch == afterEpoch + 1) kill.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainJob.RunAsync(Options(), progress, kill.Token));
    }

    [Fact]
    public async Task The_checkpoint_restores_every_vector_and_every_embedding_exactly()
    {
        var result = await TrainJob.RunAsync(Options(), null, CancellationToken.None);
        var read = CheckpointStore.Read(CheckpointPath);

        Assert.Equivalent(result.Checkpoint, read, strict: true);
        var payload = Golden.UserPayloads[7];
        var (before, after) = (new FeaturePipeline(result.Checkpoint.Pipeline), new FeaturePipeline(read.Pipeline));
        var (a, b) = (new float[before.UserDim], new float[after.UserDim]);
        before.EncodeUser(payload, Golden.AsOf, a);
        after.EncodeUser(payload, Golden.AsOf, b);
        Assert.Equal(a, b);
        Assert.Equal(
            OnnxTowerWriter.Write(result.Checkpoint.User, "user_features", "user_embedding"),
            OnnxTowerWriter.Write(read.User, "user_features", "user_embedding"));
    }

    [Fact]
    public async Task Standardisers_are_fitted_on_the_users_and_videos_of_the_samples_and_vocabularies_on_all_videos()
    {
        var result = await TrainJob.RunAsync(Options(), null, CancellationToken.None);
        var samples = SampleBuilder.Build(Tables, Recipe.Samples, Recipe.Seed);

        Assert.Equal(Golden.Strings("vocab_tag"), result.Checkpoint.Pipeline.TagTokens);
        Assert.Equal(Tables.Decisions.Max(d => d.CreatedAt), result.Checkpoint.Pipeline.AsOf);
        Assert.Equal(samples.Users.Count, result.Checkpoint.Training.Users);
        // The golden users of the standardiser are those with a profile and a decision, and so are ours.
        var golden = Golden.Features.GetProperty("user_numeric").GetProperty("mean_price");
        Close.Equal(golden.GetProperty("mean").GetDouble(), result.Checkpoint.Pipeline.UserNumeric[1].Mean, "mean_price");
        Close.Equal(
            samples.Videos.Average(id => (double)(Tables.Videos.Single(v => v.Id == id).Price ?? 0)),
            result.Checkpoint.Pipeline.ItemNumeric[0].Mean, "price");
    }

    [Fact]
    public async Task Held_out_users_are_in_nothing_that_a_training_learns_from()
    {
        const double share = 0.3;
        var kept = HeldOutUsers.Without(Tables, share);
        Assert.InRange(kept.Profiles.Count, 1, Tables.Profiles.Count - 5);
        var recipe = Recipe with { Samples = new() { HeldOutUsers = share, NegativePopularity = 0.5 } };
        var without = Recipe with { Samples = new() { HeldOutUsers = 0, NegativePopularity = 0.5 } };

        // As if those users weren't there: samples, vectors, standardisers, as-of.
        var data = await TrainingData.BuildAsync(Tables, recipe, null, _said.Add, CancellationToken.None);
        var expected = await TrainingData.BuildAsync(kept, without, null, null, CancellationToken.None);
        Assert.Equal(expected.Set.Fingerprint(), data.Set.Fingerprint());
        Assert.Equivalent(expected.Pipeline.State, data.Pipeline.State, strict: true);
        Assert.Contains(_said, line => line.Contains("are kept out of every training"));
        Assert.NotEqual(
            data.Set.Fingerprint(), (await TrainingData.BuildAsync(Tables, without, null, null, CancellationToken.None)).Set.Fingerprint());
    }

    [Fact]
    public async Task Nobody_left_to_learn_from_says_who_left_and_what_helps()
    {
        var user = Tables.Profiles.First(profile => HeldOutUsers.Contains(profile.UserId, 0.3)).UserId;
        var tables = Tables with { Decisions = [.. Tables.Decisions.Where(decision => decision.UserId == user)] };
        var e = await Assert.ThrowsAsync<NothingToTrainException>(() => TrainingData.BuildAsync(
            tables, Recipe with { Samples = new() { HeldOutUsers = 0.3 } }, null, null, CancellationToken.None));
        Assert.Equal(
            $"All {tables.Decisions.Count} decisions are of users whom every training leaves out (samples.held_out_users 0.3): "
            + "wait for more users, or train with --set samples.held_out_users=0.", e.Message);
    }

    [Fact]
    public async Task The_checkpoint_has_real_videos_for_the_release_to_be_probed_with()
    {
        var result = await TrainJob.RunAsync(Options(), null, CancellationToken.None);
        Assert.Equal(ProbeSet.Count, result.Checkpoint.Probes.Count);
        Assert.All(
            result.Checkpoint.Probes, probe =>
                Assert.Contains(Tables.Videos, video => video.Id == probe.VideoId && video.Tags.Count == probe.Tags.Count));
    }

    [Fact]
    public async Task Cuda_without_a_GPU_is_refused_with_the_reason_before_anything_is_read()
    {
        Assert.SkipWhen(TorchSharp.torch.cuda_is_available(), "this machine has a GPU");
        var e = await Assert.ThrowsAsync<InputException>(() => TrainJob.RunAsync(
            new TrainOptions { Recipe = Recipe, Device = TrainingDevice.Cuda }, null, CancellationToken.None));
        Assert.Contains("no NVIDIA GPU", e.Message);
        Assert.Contains("-p:Cuda=true", e.Message);
    }

    [Fact]
    public async Task A_split_that_leaves_one_side_empty_stops_with_the_reason()
    {
        var recipe = Recipe with { Samples = new() { TrainValSplit = 0 } };
        var e = await Assert.ThrowsAsync<NothingToTrainException>(() => Bytes(Options() with { Recipe = recipe }));
        Assert.Contains("train_val_split 0", e.Message);
    }

    [Fact]
    public async Task It_is_told_how_many_decisions_can_be_used_and_why_not_the_others()
    {
        var (user, video) = (Guid.Parse("00000000-0000-0000-0000-0000000000b1"), Guid.Parse("00000000-0000-0000-0000-0000000000b2"));
        var (users, videos) = (Tables.Profiles.Select(row => row.UserId).ToHashSet(), Tables.Videos.Select(row => row.Id).ToHashSet());
        var usable = Tables.Decisions.Where(row => users.Contains(row.UserId) && videos.Contains(row.VideoId)).ToList();
        var known = usable[0];
        DecisionRow[] others =
            [known with { VideoId = video }, known with { UserId = user }, known with { UserId = user, Type = DecisionType.Nope }];
        var recipe = Recipe with { Training = Recipe.Training with { Epochs = 1 } };

        await TrainJob.RunAsync(
            Options() with { Recipe = recipe, Tables = Tables with { Decisions = [.. usable, .. others] } }, null, CancellationToken.None);

        Assert.Single(_said, line => line == (
            $"{usable.Count:N0} of {usable.Count + 3:N0} decisions are used: 1 name a video that isn't there (the first: {video}), 2 are of a user without a profile (the first: {user})"));
    }

    [Fact]
    public async Task A_training_tells_what_it_keeps_out_and_what_is_before_the_latest_decisions()
    {
        const double Share = 0.2;
        const int Most = 10;
        var (users, videos) = (Tables.Profiles.Select(row => row.UserId).ToHashSet(), Tables.Videos.Select(row => row.Id).ToHashSet());
        var usable = Tables.Decisions.Where(row => users.Contains(row.UserId) && videos.Contains(row.VideoId)).ToList();
        var lost = new DecisionRow(usable[0].UserId, Guid.Parse("00000000-0000-0000-0000-0000000000b2"), DecisionType.Like, DateTimeOffset.UnixEpoch);
        var heldOut = usable.Count(row => UserShare.Of(row.UserId, HeldOutUsers.Salt) < Share);
        var beyond = usable.Where(row => UserShare.Of(row.UserId, HeldOutUsers.Salt) >= Share).CountBy(row => row.UserId).Sum(user => Math.Max(0, user.Value - Most));
        Assert.True(heldOut > 0 && beyond > 0);
        var recipe = Recipe with
        {
            Samples = new() { HeldOutUsers = Share },
            Features = Recipe.Features with { MaxDecisions = Most },
            Training = Recipe.Training with { Epochs = 1 },
        };

        await TrainJob.RunAsync(
            Options() with { Recipe = recipe, CheckpointPath = null, Tables = Tables with { Decisions = [lost, .. usable] } }, null, CancellationToken.None);

        Assert.Single(_said, line => line == (
            $"{usable.Count - heldOut - beyond:N0} of {usable.Count + 1:N0} decisions are used: 1 name a video that isn't there (the first: {lost.VideoId}), "
            + $"{heldOut:N0} are of users who are kept out of every training (samples.held_out_users), "
            + $"{beyond:N0} are before the latest ones of their user that count (features.max_decisions)"));
    }

    [Fact]
    public async Task A_training_that_uses_all_decisions_tells_so()
    {
        var recipe = Recipe with { Training = Recipe.Training with { Epochs = 1 } };
        await TrainJob.RunAsync(Options() with { Recipe = recipe }, null, CancellationToken.None);
        Assert.Single(_said, line => line.Contains(" decisions are used", StringComparison.Ordinal));
    }

    private TrainOptions Options() => new()
    {
        Recipe = Recipe,
        Tables = Tables,
        CheckpointPath = CheckpointPath,
        Device = TrainingDevice.Cpu,
        Threads = 2,
        Say = _said.Add,
    };

    private async Task<byte[]> Bytes(TrainOptions options)
    {
        await TrainJob.RunAsync(options, null, CancellationToken.None);
        return await File.ReadAllBytesAsync(CheckpointPath);
    }

    private sealed class Watch(Action<TrainingProgress> see) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => see(value);
    }
}
