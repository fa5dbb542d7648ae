using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Testing;
using TwoTower.Training.Loop;
using TwoTower.Training.Randomness;
using TwoTower.Training.Samples;
using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests.Histories;

/// <summary>
/// Recipe v3 through the product's own job and files, in a world in which it is known what is right: six themes of ten videos, each viewer
/// likes most of two themes and nopes some of a third.
/// </summary>
[Collection(nameof(Torch))]
public sealed class HistoryTrainingTests : IDisposable
{
    private const int Themes = 6, PerTheme = 10;

    // The last video of a theme is known by its tag alone: nobody has decided on it.
    private const int Cold = PerTheme - 1;

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Recipe Recipe = new()
    {
        Name = "small-v3",
        Features = new() { MinTagFreq = 1 },
        Samples = new() { HeldOutUsers = 0 },
        Model = new() { HiddenDims = [16], Dropout = [0.0], EmbeddingDim = 24 },
        Training = new() { Epochs = 3, BatchSize = 64, Lr = 2e-3, WeightDecay = 0.01 },
        Kind = RecipeKind.History,
        History =
            new()
            {
                Ridge = 20,
                ContentWeight = 7,
                Factors = 12,
                Sweeps = 4,
                TasteFactors = 6,
                ContentRidge = 1,
                Smoothing = 3,
                ColdDiscount = 0.5
            },
    };

    private static readonly TableSet Tables = World();
    private readonly TemporaryFolder _folder = new();

    private string CheckpointPath => Path.Combine(_folder.Path, "latest.safetensors");

    public void Dispose() => _folder.Dispose();

    private static Guid Video(int theme, int number) => new(1 + theme * PerTheme + number, 2, 0, new byte[8]);

    private static TableSet World()
    {
        var random = new SeededRandom(7, RandomPurpose.Negatives);
        var (profiles, decisions) = (new List<ProfileRow>(), new List<DecisionRow>());
        for (var viewer = 1; viewer <= 240; viewer++)
        {
            Guid id = new(viewer, 1, 0, new byte[8]);
            profiles.Add(new(id, $"viewer {viewer}", Start));
            var (first, second, third) = (viewer % Themes, (viewer / Themes + viewer + 1) % Themes, (viewer + 3) % Themes);
            for (var number = 0; number < Cold; number++)
            {
                if (random.NextDouble() < 0.7) Add(first, number, DecisionType.Like);
                if (second != first && random.NextDouble() < 0.5) Add(second, number, DecisionType.Like);
                if (third != first && third != second && random.NextDouble() < 0.4) Add(third, number, DecisionType.Nope);
            }

            void Add(int theme, int number, DecisionType type) =>
                decisions.Add(new(id, Video(theme, number), type, Start.AddDays(viewer).AddMinutes(decisions.Count)));
        }

        return new(profiles, [.. Enumerable.Range(0, Themes * PerTheme).Select(n => new VideoRow { Id = Video(n / PerTheme, n % PerTheme), Tags = [$"theme {n / PerTheme}"] })], decisions);
    }

    private TrainOptions Options(Recipe? recipe = null) => new()
    {
        Recipe = recipe ?? Recipe,
        Tables = Tables,
        Register = false,
        Threads = 1,
        CheckpointPath = CheckpointPath,
        Device = TrainingDevice.Cpu,
    };

    private static async Task<Served> ServeAsync(TrainOptions options) => new((await TrainJob.RunAsync(options, null, default)).Checkpoint);

    [Fact]
    public async Task It_tells_how_many_decisions_it_uses_and_why_not_the_others()
    {
        var said = new List<string>();
        var recipe = Recipe with { Samples = new() { HeldOutUsers = 0.2 } };
        await TrainJob.RunAsync(Options(recipe) with { Say = said.Add }, null, default);
        var heldOut = Tables.Decisions.Count(row => HeldOutUsers.Contains(row.UserId, 0.2));
        Assert.InRange(heldOut, 1, Tables.Decisions.Count - 1);
        Assert.Single(said, line => line == (
            $"{Tables.Decisions.Count - heldOut:N0} of {Tables.Decisions.Count:N0} decisions are used: "
            + $"{heldOut:N0} are of users who are kept out of every training (samples.held_out_users)"));
    }

    [Fact]
    public async Task What_one_likes_ranks_its_theme_first_also_a_video_that_nobody_knows_and_a_nope_pushes_its_theme_away()
    {
        using var served = await ServeAsync(Options());
        for (var theme = 0; theme < Themes; theme++)
        {
            var liked = served.Scores([.. Enumerable.Range(0, 4).Select(number => (Video(theme, number), DecisionType.Like))]);
            var own = Enumerable.Range(4, PerTheme - 4).Min(number => liked[Video(theme, number)]);
            var others = liked.Where(pair => Theme(pair.Key) != theme).Max(pair => pair.Value);
            Assert.True(own > others, $"theme {theme}: {own} {others}, cold {liked[Video(theme, Cold)]}");

            var other = (theme + 1) % Themes;
            (Guid, DecisionType)[] likes =
                [.. Enumerable.Range(0, 3).SelectMany(
                    number => new[] { (Video(theme, number), DecisionType.Like), (Video(other, number), DecisionType.Like) })];
            var before = served.Scores(likes);
            var after = served.Scores([.. likes, (Video(other, 3), DecisionType.Nope)]);
            double Gap(Dictionary<Guid, float> scores) =>
                Enumerable.Range(4, PerTheme - 4).Average(number => scores[Video(theme, number)] - scores[Video(other, number)]);
            Assert.True(Gap(after) > Gap(before), $"theme {theme}: {Gap(before)} → {Gap(after)}");
        }
    }

    [Fact]
    public async Task A_video_that_nobody_knows_stands_back_and_the_known_ones_stay_where_they_are()
    {
        using var without = await ServeAsync(Options(Recipe with { History = Recipe.History with { ColdDiscount = 0 } }));
        using var with = await ServeAsync(Options(Recipe with { History = Recipe.History with { ColdDiscount = 1 } }));
        for (var theme = 0; theme < Themes; theme++)
        {
            (Guid, DecisionType)[] likes = [.. Enumerable.Range(0, 4).Select(number => (Video(theme, number), DecisionType.Like))];
            var (before, after) = (without.Scores(likes), with.Scores(likes));
            foreach (var (video, score) in before)
            {
                if (IsCold(video)) Assert.True(after[video] < score - 0.02f, $"{video}: {score} → {after[video]}");
                else Assert.Equal(score, after[video], 2e-3f);
            }
        }

        static bool IsCold(Guid video) => Enumerable.Range(0, Themes).Any(theme => Video(theme, Cold) == video);
    }

    [Fact]
    public async Task Somebody_new_has_a_vector_and_the_towers_answers_are_of_unit_length()
    {
        using var served = await ServeAsync(Options());
        Assert.All(served.Scores([]).Values, score => Assert.InRange(score, -1.0001f, 1.0001f));
        Assert.True(UnitVector.IsUnit(served.User([]), out var _));
    }

    [Fact]
    public async Task The_same_seed_data_and_threads_give_the_same_bytes()
    {
        async Task<byte[]> Bytes(Recipe recipe)
        {
            await TrainJob.RunAsync(Options(recipe), null, default);
            return await File.ReadAllBytesAsync(CheckpointPath);
        }

        var first = await Bytes(Recipe);
        Assert.Equal(first, await Bytes(Recipe));
        Assert.NotEqual(first, await Bytes(Recipe with { Seed = 43 }));
    }

    [Fact]
    public async Task A_release_from_the_restored_checkpoint_is_the_same_and_says_how_the_training_went()
    {
        var result = await TrainJob.RunAsync(Options(), null, default);
        var (made, restored) =
            (ReleaseFiles.Build(result.Checkpoint, Start), ReleaseFiles.Build(CheckpointStore.Read(CheckpointPath), Start));
        Assert.Equal(made.Select(file => (file.Path, file.Sha256)), restored.Select(file => (file.Path, file.Sha256)));
        var training = result.Checkpoint.Training;
        Assert.Equal((240, Themes * Cold, 3), (training.Users, training.Items, training.Epochs.Count));
        Assert.All(training.Epochs, epoch => Assert.InRange(epoch.ValidationAccuracy, 0.9, 1));
        Assert.True(training.Epochs[^1].ValidationLoss < 0.5, $"{training.Epochs[^1].ValidationLoss}");
    }

    [Fact]
    public async Task A_stopped_training_leaves_the_checkpoint_that_was_there()
    {
        await TrainJob.RunAsync(Options(), null, default);
        var before = await File.ReadAllBytesAsync(CheckpointPath);
        using var stop = new CancellationTokenSource();
        var progress = new Watch(step => { if (step.Epoch == 2) stop.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => TrainJob.RunAsync(Options(Recipe with { Seed = 5 }), progress, stop.Token));
        Assert.Equal(before, await File.ReadAllBytesAsync(CheckpointPath));
    }

    [Fact]
    public async Task Videos_beyond_the_most_decided_ones_live_by_their_content()
    {
        using var served = await ServeAsync(Options(Recipe with { History = Recipe.History with { MaxItems = 40 } }));
        Assert.Equal(40, served.Checkpoint.History!.Ids.VideoIds.Count);
        Assert.Equal(Themes * PerTheme, served.Scores([]).Count);
    }

    [Fact]
    public async Task Too_few_decisions_are_nothing_to_train_on()
    {
        var few = Tables with { Decisions = [.. Tables.Decisions.Take(2)] };
        var e = await Assert.ThrowsAsync<NothingToTrainException>(() => TrainJob.RunAsync(Options() with { Tables = few }, null, default));
        Assert.Contains("Fewer than 2 users", e.Message, StringComparison.Ordinal);
    }

    private static int Theme(Guid video) => (BitConverter.ToInt32(video.ToByteArray()) - 1) / PerTheme;

    private sealed class Watch(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    // The release as a request meets it.
    private sealed class Served(Checkpoint checkpoint) : IDisposable
    {
        private readonly ModelInMemory _model = ModelInMemory.Load(checkpoint, "test", PayloadBuilder.BuildItems(Tables), default);

        public Checkpoint Checkpoint { get; } = checkpoint;

        public float[] User((Guid Video, DecisionType Type)[] decisions) => _model.Encode(
            new(Guid.Empty, new(null), [.. decisions.Select(d => new HistoryEntry(d.Video, d.Type, Start, null, [], []))]),
            Start.AddDays(1000));

        public Dictionary<Guid, float> Scores((Guid Video, DecisionType Type)[] decisions)
        {
            var user = User(decisions);
            return Tables.Videos.Select((video, row) => (video.Id, Score: _model.Score(user, row))).ToDictionary(
                pair => pair.Id, pair => pair.Score);
        }

        public void Dispose() => _model.Dispose();
    }
}
