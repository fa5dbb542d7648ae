using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;
using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests;

/// <summary>
/// Trainings with vectors from elsewhere, in a world of five themes: each viewer likes one theme and nopes another. A theme's videos have a
/// tag and a vector; its last two, which nobody has decided on, have no tag, and only the first of them has a vector.
/// </summary>
[Collection(nameof(Torch))]
public sealed class VideoFeatureTrainingTests
{
    private const int Themes = 5, PerTheme = 10, Known = PerTheme - 2, Seen = Known, Unseen = Known + 1, Dim = 8;

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TableSet Tables = World();
    private static readonly TableSet Without =
        Tables with { Videos = [.. Tables.Videos.Select(video => video with { VideoFeatures = new Dictionary<string, float[]>() })] };

    private static readonly Recipe Basis = new()
    {
        Features = new() { MinTagFreq = 1, UseRpcFeatures = false, VideoFeatures = ["clip"] },
        Samples = new() { HeldOutUsers = 0 },
    };

    private static readonly Recipe Statistics = Basis with
    {
        Name = "small-v2",
        Model = new() { HiddenDims = [32], Dropout = [0.0], EmbeddingDim = 16 },
        Training = new() { Epochs = 12, BatchSize = 64, Lr = 5e-3, LogitScale = 10 },
    };

    private static readonly Recipe Histories = Basis with
    {
        Name = "small-v3",
        Model = new() { HiddenDims = [16], Dropout = [0.0], EmbeddingDim = 16 },
        Training = new() { Epochs = 2, BatchSize = 64, Lr = 2e-3, WeightDecay = 0.01 },
        Kind = RecipeKind.History,
        History = new() { Ridge = 20, Factors = 10, Sweeps = 4, TasteFactors = 5, ContentRidge = 1, Smoothing = 3 },
    };

    public static TheoryData<string> Recipes => [Statistics.Name, Histories.Name];

    private static Recipe Named(string name) => name == Statistics.Name ? Statistics : Histories;

    private static Guid Video(int theme, int number) => new(1 + theme * PerTheme + number, 2, 0, new byte[8]);

    private static TableSet World()
    {
        var random = new Random(3);
        var (profiles, decisions) = (new List<ProfileRow>(), new List<DecisionRow>());
        for (var viewer = 1; viewer <= 200; viewer++)
        {
            Guid id = new(viewer, 1, 0, new byte[8]);
            profiles.Add(new(id, null, Start));
            for (var number = 0; number < Known; number++)
            {
                if (random.NextDouble() < 0.7) decisions.Add(
                    new(id, Video(viewer % Themes, number), DecisionType.Like, Start.AddDays(number)));
                if (random.NextDouble() < 0.4) decisions.Add(
                    new(id, Video((viewer + 1 + viewer % 3) % Themes, number), DecisionType.Nope, Start.AddDays(number)));
            }
        }

        // A direction a theme, far from the origin: what all vectors share says nothing.
        float[] Vector(int theme) =>
            [.. Enumerable.Range(0, Dim).Select(k => 10 + (k == theme ? 3f : 0) + 0.3f * (random.NextSingle() - 0.5f))];
        return new(profiles,
            [
                .. Enumerable.Range(0, Themes * PerTheme).Select(n => (Theme: n / PerTheme, Number: n % PerTheme)).Select(n => new VideoRow
                {
                    Id = Video(n.Theme, n.Number),
                    Tags = n.Number < Known ? [$"theme {n.Theme}"] : [],
                    VideoFeatures = n.Number == Unseen ? [] : new Dictionary<string, float[]> { ["clip"] = Vector(n.Theme), ["unread"] = [n.Number] },
                }),
            ], decisions);
    }

    private static async Task<Checkpoint> TrainAsync(Recipe recipe, TableSet tables) => (await TrainJob.RunAsync(
        new() { Recipe = recipe, Tables = tables, Register = false, Threads = 1, Device = TrainingDevice.Cpu }, null, default)).Checkpoint;

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_video_that_nobody_knows_and_that_has_a_vector_alone_is_found_by_those_who_like_what_is_near(string recipe)
    {
        var checkpoint = await TrainAsync(Named(recipe), Tables);
        using (var tower = ItemTower.FromFiles(new ReleaseFileSet("test", ReleaseFiles.Build(checkpoint, Start)))) Assert.Equal(["clip"], tower.VideoFeatures);
        Assert.Equal(3 + Dim + 1 + Themes, checkpoint.Item.InputDim - (checkpoint.History?.Ids.Dim ?? 0));

        var items = PayloadBuilder.BuildItems(Tables);
        using var model = ModelInMemory.Load(checkpoint, "test", items, default);
        var rowOf = items.Select((item, row) => (item.VideoId, row)).ToDictionary(pair => pair.VideoId, pair => pair.row);
        var asOf = checkpoint.Pipeline.AsOf;
        for (var theme = 0; theme < Themes; theme++)
        {
            var entries = Enumerable.Range(0, 4).Select(n => new HistoryEntry(Video(theme, n), DecisionType.Like, Start.AddDays(n), null, [$"theme {theme}"], []));
            var history = new UserHistory(Guid.Empty, new(Start), [.. entries]);
            var user = model.Encode(history, asOf);
            float Score(Guid video) => model.Score(user, rowOf[video]);

            var own = Score(Video(theme, Seen));
            var others = Enumerable.Range(0, Themes).Where(other => other != theme).Max(other => Score(Video(other, Seen)));
            // v2 knows viewers by statistics alone: in so small a world it doesn't tell every theme from every other.
            Assert.True(
                (own > others || recipe == Statistics.Name) && own > Score(Video(theme, Unseen)), $"theme {theme}: {own}, other themes {others}, without a vector {Score(Video(theme, Unseen))}");
        }
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_recipe_that_names_none_gives_the_same_release_whatever_vectors_there_are(string recipe)
    {
        var plain = Named(recipe) with { Features = Basis.Features with { VideoFeatures = null } };
        async Task<IReadOnlyList<ReleaseFile>> FilesAsync(TableSet tables) => ReleaseFiles.Build(await TrainAsync(plain, tables), Start);
        var (without, with) = (await FilesAsync(Without), await FilesAsync(Tables));
        Assert.Equal(without.Select(file => (file.Path, file.Sha256)), with.Select(file => (file.Path, file.Sha256)));
        Assert.All(with, file => Assert.DoesNotContain("video_feature", System.Text.Encoding.UTF8.GetString(file.Content), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_name_without_vectors_ends_the_training_before_it_begins(string recipe)
    {
        var error = await Assert.ThrowsAsync<InputException>(() => TrainAsync(Named(recipe), Without));
        Assert.Contains("features.video_features names 'clip', and none of the", error.Message, StringComparison.Ordinal);
    }
}
