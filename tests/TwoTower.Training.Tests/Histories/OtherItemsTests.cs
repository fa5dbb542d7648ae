using TorchSharp;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Training.Histories;
using TwoTower.Training.Randomness;
using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests.Histories;

/// <summary>Videos beyond <c>history.max_items</c>, in a world of four themes that no tag tells.</summary>
[Collection(nameof(Torch))]
public sealed class OtherItemsTests
{
    private const int Themes = 4, PerTheme = 20, MaxItems = 40;

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Recipe Recipe = new()
    {
        Name = "small-v4",
        Samples = new() { HeldOutUsers = 0 },
        Model = new() { HiddenDims = [16], Dropout = [0.0], EmbeddingDim = 24 },
        Training = new() { Epochs = 3, BatchSize = 64, Lr = 2e-3, WeightDecay = 0.01 },
        Kind = RecipeKind.History,
        History =
            new()
            {
                Choose = ["max_items"],
                MaxItems = MaxItems,
                Ridge = 20,
                ContentWeight = 0,
                PopularityDiscount = 0,
                Factors = 6,
                Sweeps = 6,
                TasteFactors = 4,
                ContentRidge = 1,
                Smoothing = 3,
            },
    };

    private static Guid Video(int theme, int number) => new(1 + theme * PerTheme + number, 2, 0, new byte[8]);

    private static int Theme(Guid video) => (BitConverter.ToInt32(video.ToByteArray()) - 1) / PerTheme;

    // The further back in its theme, the fewer likes. The last video has none at all.
    private static TableSet World(bool nopes, bool themes = true)
    {
        var random = new SeededRandom(11, RandomPurpose.Negatives);
        var (profiles, decisions) = (new List<ProfileRow>(), new List<DecisionRow>());
        for (var user = 1; user <= 600; user++)
        {
            Guid id = new(user, 1, 0, new byte[8]);
            profiles.Add(new(id, $"user {user}", Start));
            for (var item = 0; item < Themes * PerTheme - 1; item++)
            {
                var (theme, number) = (item / PerTheme, item % PerTheme);
                var chance = themes ? (theme == user % Themes ? 0.75 / (1 + number / 6.0) : 0.01) : 0.8 / (1 + item / 4.0);
                if (random.NextDouble() < chance) Add(DecisionType.Like);
                else if (nopes && random.NextDouble() < 0.05) Add(DecisionType.Nope);

                void Add(DecisionType type) => decisions.Add(new(id, Video(theme, number), type, Start.AddMinutes(decisions.Count)));
            }
        }

        var videos = Enumerable.Range(0, Themes * PerTheme).Select(n => new VideoRow { Id = Video(n / PerTheme, n % PerTheme) });
        return new(profiles, [.. videos], decisions);
    }

    [Fact]
    public void Where_a_release_has_no_room_for_all_those_with_the_most_decisions_come_in()
    {
        var tables = World(nopes: true);
        var data = Interactions.Read(tables, MaxItems, TimeSpan.FromDays(365));
        var all = OtherItems.Read(tables, data, int.MaxValue, Recipe.History, popularityAlone: true, 1, 1, default)!;
        var some = OtherItems.Read(tables, data, MaxItems + 10, Recipe.History, popularityAlone: true, 1, 1, default)!;
        Assert.Equal((Themes * PerTheme) - 1 - MaxItems, all.Videos.Count);
        Assert.Equal(10, some.Videos.Count);
        var decisions = tables.Decisions.CountBy(decision => decision.VideoId).ToDictionary();
        var others = all.Videos.Where(video => !some.Videos.Contains(video));
        Assert.True(some.Videos.Min(video => decisions[video.Id]) >= others.Max(video => decisions[video.Id]));
        Assert.Equal(262_485, ItemVectors.Most(511));
    }

    private static async Task<(Checkpoint Checkpoint, Func<Guid[], Dictionary<Guid, float>> Scores)> ServeAsync(
        Recipe recipe, TableSet tables)
    {
        TrainOptions options = new() { Recipe = recipe, Tables = tables, Register = false, Threads = 1, Device = TrainingDevice.Cpu };
        var checkpoint = (await TrainJob.RunAsync(options, null, default)).Checkpoint;
        return (checkpoint, likes =>
        {
            using var model = ModelInMemory.Load(checkpoint, "test", PayloadBuilder.BuildItems(tables), default);
            var user = model.Encode(
                new(Guid.Empty, new(null), [.. likes.Select(video => new HistoryEntry(video, DecisionType.Like, Start, null, [], []))]),
                Start.AddDays(1000));
            return tables.Videos.Select((video, row) => (video.Id, Score: model.Score(user, row))).ToDictionary(
                pair => pair.Id, pair => pair.Score);
        }
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_video_beyond_the_linear_model_is_found_with_its_theme_and_is_a_history_too(bool nopes)
    {
        var tables = World(nopes);
        // Where nobody nopes, twice as many videos are items.
        var recipe = Recipe with { History = Recipe.History with { MaxItems = nopes ? MaxItems : MaxItems / 2 } };
        var (checkpoint, scores) = await ServeAsync(recipe, tables);
        Assert.Equal(Themes * PerTheme - 1, checkpoint.History!.Ids.VideoIds.Count);
        var others = checkpoint.History.Ids.VideoIds.Skip(MaxItems).ToHashSet();
        Assert.Equal(Themes * PerTheme - 1 - MaxItems, others.Count);
        for (var theme = 0; theme < Themes; theme++)
        {
            foreach (var liked in new[] { Known(theme)[..4], Unknown(theme)[..4] })
            {
                var answer = scores(liked);
                var rest = answer.Where(pair => others.Contains(pair.Key) && !liked.Contains(pair.Key)).ToList();
                float[] own = [.. rest.Where(pair => Theme(pair.Key) == theme).Select(pair => pair.Value)];
                float[] rival = [.. rest.Where(pair => Theme(pair.Key) != theme).Select(pair => pair.Value)];
                var inOrder = own.Average(score => rival.Count(its => its < score) / (double)rival.Length);
                Assert.True(inOrder > 0.9, $"theme {theme}, {(others.Contains(liked[0]) ? "others" : "items")} liked: {inOrder}");
                Assert.True(Known(theme)[4..].Min(video => answer[video]) > rival.Average(), $"theme {theme}");
            }
        }

        Guid[] Known(int theme) => [.. checkpoint.History.Ids.VideoIds.Take(MaxItems).Where(video => Theme(video) == theme)];

        Guid[] Unknown(int theme) => [.. others.Where(video => Theme(video) == theme).Order()];
    }

    [Fact]
    public async Task The_most_items_set_by_hand_leave_the_others_to_their_content()
    {
        var recipe = Recipe with { History = Recipe.History with { Choose = null } };
        var (checkpoint, _) = await ServeAsync(recipe, World(nopes: true));
        Assert.Equal(MaxItems, checkpoint.History!.Ids.VideoIds.Count);
    }

    [Fact]
    public async Task Where_popularity_is_served_videos_beyond_the_linear_model_stand_in_its_order_too()
    {
        var tables = World(nopes: false, themes: false);
        var (checkpoint, scores) =
            await ServeAsync(Recipe with { History = Recipe.History with { MaxItems = MaxItems / 2, TasteWeight = 0 } }, tables);
        Assert.True(checkpoint.Training.Chosen!.ServesPopularity, $"{checkpoint.Training.Chosen}");
        var likes = tables.Decisions.CountBy(row => row.VideoId).ToDictionary();
        var answer = scores([Video(0, 0), Video(0, 1)]);
        var liked = answer.Where(pair => likes.ContainsKey(pair.Key)).ToList();
        Assert.True(liked.Count > MaxItems);
        foreach (var (video, score) in liked)
        {
            foreach (var (other, its) in liked.Where(pair => likes[pair.Key] < likes[video]))
            {
                Assert.True(score > its, $"{likes[video]} {score}, {likes[other]} {its}");
            }
        }
    }

    [Fact]
    public void What_is_linear_in_what_the_likes_say_is_found_again()
    {
        const int Items = 50, Width = 4, Columns = 3;
        var random = new SeededRandom(1, RandomPurpose.Weights);
        float[] known = random.Normal(Items * Width, 1), map = random.Normal(Width * Columns, 1), vectors = new float[Items * Columns];
        for (var item = 0; item < Items; item++)
        {
            for (var column = 0; column < Columns; column++)
            {
                var sum = Enumerable.Range(0, Width).Sum(k => known[item * Width + k] * map[k * Columns + column]);
                vectors[item * Columns + column] = 2 + sum;
            }
        }

        float[] weights = [.. Enumerable.Range(1, Items).Select(n => (float)n)];
        var found = new OtherItems([], known, [], Width, [], []).Fit(vectors, weights, torch.CPU);
        for (var i = 0; i < map.Length; i++) Assert.Equal(map[i], found[i], 0.01f);
        Assert.All(found[map.Length..], constant => Assert.Equal(2, constant, 0.02f));
    }
}
