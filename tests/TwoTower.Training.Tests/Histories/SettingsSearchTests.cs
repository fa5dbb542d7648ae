using TorchSharp;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Training.Histories;
using TwoTower.Training.Randomness;
using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests.Histories;

/// <summary>Settings that come from the data, in worlds in which it is known what they should be.</summary>
[Collection(nameof(Torch))]
public sealed class SettingsSearchTests
{
    private const int Items = 40, PerTheme = 10;

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly HistoryOptions Options = new()
    {
        Choose = HistoryOptions.Choosable,
        RidgePerD = 2.9,
        ContentWeightPerD = 0.3,
        PopularityDiscount = 0.3,
        Factors = 8,
        TasteFactors = 4,
        Sweeps = 4,
        Copies = 2,
    };

    private static Guid Video(int number) => new(1 + number, 2, 0, new byte[8]);

    // Likes of two themes each, or of what is popular and nothing else.
    private static TableSet World(bool themes, bool nopes, int users = 200, int seed = 3)
    {
        var random = new SeededRandom(seed, RandomPurpose.Negatives);
        var (profiles, decisions) = (new List<ProfileRow>(), new List<DecisionRow>());
        for (var user = 1; user <= users; user++)
        {
            Guid id = new(user, 1, 0, new byte[8]);
            profiles.Add(new(id, $"user {user}", Start));
            for (var item = 0; item < Items; item++)
            {
                var chance = themes ? (item / PerTheme == user % (Items / PerTheme) ? 0.7 : 0.03) : 0.9 / (1 + item / 4.0);
                if (random.NextDouble() < chance) decisions.Add(new(id, Video(item), DecisionType.Like, Start.AddMinutes(decisions.Count)));
                else if (nopes && random.NextDouble() < 0.1) decisions.Add(
                    new(id, Video(item), DecisionType.Nope, Start.AddMinutes(decisions.Count)));
            }
        }

        return new(profiles, [.. Enumerable.Range(0, Items).Select(n => new VideoRow { Id = Video(n), Tags = themes ? [$"theme {n / PerTheme}"] : [] })], decisions);
    }

    private static (HistoryOptions Options, ChosenSettings Chosen, List<string> Said) Search(
        TableSet tables, HistoryOptions options, int seed = 1, double mostWork = 6e11)
    {
        List<string> said = [];
        var data = Interactions.Read(tables, options.MaxItems, TimeSpan.FromDays(options.TrendDays));
        var (found, chosen, _) = new SettingsSearch(data, options, seed, torch.CPU, 2, said.Add, default, mostWork).Run();
        return (found, chosen, said);
    }

    [Fact]
    public void Regularisations_are_in_units_of_the_data_and_everything_that_was_tried_is_recorded()
    {
        var (options, chosen, _) = Search(World(themes: true, nopes: true), Options);

        Assert.Null(options.Choose);
        Assert.False(chosen.ServesPopularity);
        Assert.True(chosen.GainLow > 0 && chosen.Reached > chosen.Popularity, $"{chosen}");
        var data = Interactions.Read(World(themes: true, nopes: true), 5000, TimeSpan.FromDays(365));
        double weights = data.Users.Average(user => Math.Pow(user.Likes.Length + user.Nopes.Length + 5, -0.5));
        var unit = data.Users.Sum(user => Math.Pow(user.Likes.Length + user.Nopes.Length + 5, -0.5) / weights * user.Likes.Length) / Items;
        Assert.Equal(unit, chosen.Unit, 1e-4);
        Assert.Contains(options.Ridge / unit, new[] { 2.9 / 3, 2.9, 2.9 * 3 }.Select(value => Nearest(value, options.Ridge / unit)));
        Assert.Equal(options.Ridge, chosen.Values["ridge"]);
        Assert.Equal(options.FactorsShare, chosen.Values["factors_share"]);
        Assert.Equal(2.9, chosen.Tried[0].Values["ridge"]);
        Assert.Contains(chosen.Tried, tried => tried.Values["ridge"] > 8);
        Assert.Equal(chosen.Reached, chosen.Tried.Last(tried => tried.Kept).Mean);

        static double Nearest(double expected, double actual) => Math.Abs(expected - actual) < 1e-6 ? actual : double.NaN;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_too_large_a_catalogue_the_most_decided_videos_are_looked_at_and_the_units_are_those_of_all(bool nopes)
    {
        var tables = World(themes: true, nopes);
        var rows = nopes ? 2 * Items : Items;

        // Room for four fits of half of the rows: the first and another one of each of two parts. One of all rows would be twice as much.
        var (options, chosen, said) = Search(tables, Options, mostWork: 4 * Math.Pow(rows / 2.0, 3));

        Assert.Contains(said, line => line.EndsWith($", and the {Items / 2} videos with the most decisions", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("in 2 parts", StringComparison.Ordinal));
        Assert.Equal(2, chosen.Tried.Select(tried => (tried.Values["ridge"], tried.Values["content_weight"])).Distinct().Count());
        var (_, all, _) = Search(tables, Options);
        Assert.Equal(all.Unit, chosen.Unit, 1e-9);
        Assert.Equal(chosen.Values["ridge"], options.Ridge);
        Assert.Contains(new[] { 2.9 / 3, 2.9, 2.9 * 3 }, perD => Math.Abs(perD - options.Ridge / chosen.Unit) < 1e-6);
    }

    [Fact]
    public void The_most_decided_videos_are_what_would_be_read_without_the_others()
    {
        var tables = World(themes: false, nopes: true);
        var head = Interactions.Read(tables, Items, TimeSpan.FromDays(365)).Head(10);
        var read = Interactions.Read(tables, 10, TimeSpan.FromDays(365));

        Assert.Equal(read.Videos.Select(video => video.Id), head.Videos.Select(video => video.Id));
        Assert.Equal(read.RecentLikes, head.RecentLikes);
        Assert.Equal(read.Users.Select(user => user.Likes), head.Users.Select(user => user.Likes));
        Assert.Equal(read.Users.Select(user => user.Nopes), head.Users.Select(user => user.Nopes));
        Assert.Equal(read.Recency, head.Recency);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Twice_the_decisions_are_twice_the_regularisation(int times)
    {
        var options = Options with { Choose = ["ridge"], UserWeight = 0 };
        var (few, many) = (Search(World(true, false, 120), options), Search(World(true, false, 120 * times), options));
        Assert.InRange(many.Chosen.Unit / few.Chosen.Unit, times * 0.9, times * 1.1);
    }

    [Fact]
    public void The_same_seed_chooses_the_same_and_what_is_not_listed_stays_by_hand()
    {
        var options = Options with
        {
            Choose = ["popularity_discount", "factors_share"],
            RidgePerD = null,
            Ridge = 17,
            ContentWeightPerD = null,
            ContentWeight = 0,
            TasteWeight = 0.9,
            TrendWeight = 0.1,
        };
        var (one, other) = (Search(World(true, true), options), Search(World(true, true), options));

        Assert.Equal(one.Options, other.Options);
        Assert.Equal(one.Chosen.Tried.Select(tried => tried.Mean), other.Chosen.Tried.Select(tried => tried.Mean));
        Assert.Equal((17, 0, 0.9, 0.1), (one.Options.Ridge, one.Options.ContentWeight, one.Options.TasteWeight, one.Options.TrendWeight));
        Assert.Equal(["factors_share", "popularity_discount"], one.Chosen.Values.Keys.Order());
    }

    // Key and start value, absolute or per d, chosen or not: each value is of its own unit.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_value_keeps_its_unit_whether_the_training_chooses_it_or_not(bool chosen)
    {
        var tables = World(themes: true, nopes: true);
        var choose = chosen ? new[] { "ridge", "content_weight" } : [];
        var absolute = Search(tables, Options with { Choose = [.. choose, "trend_weight"], RidgePerD = null, Ridge = 350, ContentWeightPerD = null, ContentWeight = 130 });
        var perD = Search(tables, Options with { Choose = [.. choose, "trend_weight"], Ridge = 1, ContentWeight = 1 });

        Assert.True(perD.Chosen.Unit > 2, $"{perD.Chosen.Unit}");
        IsOneOf(absolute.Options.Ridge, chosen ? [350 / 3.0, 350, 1050] : [350]);
        IsOneOf(perD.Options.Ridge / perD.Chosen.Unit, chosen ? [2.9 / 3, 2.9, 8.7] : [2.9]);
        IsOneOf(absolute.Options.ContentWeight, chosen ? [0, 130 / 3.0, 130, 390] : [130]);
        IsOneOf(perD.Options.ContentWeight / perD.Chosen.Unit, chosen ? [0, 0.1, 0.3, 0.9] : [0.3]);
        Assert.Equal((null, null), (absolute.Options.RidgePerD, perD.Options.RidgePerD));
    }

    private static void IsOneOf(double value, double[] values) =>
        Assert.Contains(Math.Round(value, 6), values.Select(one => Math.Round(one, 6)));

    [Fact]
    public async Task A_recipe_that_chooses_nothing_has_its_values_per_d_all_the_same()
    {
        var tables = World(themes: true, nopes: true);
        var unit = Search(tables, Options).Chosen.Unit;
        var perD = Options with { Choose = null };
        var absolute = perD with { RidgePerD = null, Ridge = 2.9 * unit, ContentWeightPerD = null, ContentWeight = 0.3 * unit };

        var one = await TrainJob.RunAsync(Job(tables, perD, []), null, default);
        var other = await TrainJob.RunAsync(Job(tables, absolute, []), null, default);
        var far = await TrainJob.RunAsync(Job(tables, absolute with { Ridge = 2.9 }, []), null, default);

        Assert.Equal(other.Checkpoint.User.Layers[0].Weight, one.Checkpoint.User.Layers[0].Weight);
        Assert.NotEqual(other.Checkpoint.User.Layers[0].Weight, far.Checkpoint.User.Layers[0].Weight);
    }

    [Fact]
    public void Few_users_choose_nothing_and_have_the_recipes_values_in_units_of_the_data()
    {
        var (options, chosen, said) = Search(World(true, true, users: 12), Options);

        Assert.Equal((0, false), (chosen.Users, chosen.ServesPopularity));
        Assert.Equal(2.9 * chosen.Unit, options.Ridge, 1e-9);
        Assert.Contains("nothing is chosen on them", Assert.Single(said), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task Where_nothing_beats_popularity_the_release_serves_it_in_its_order_and_says_so(int seed, bool nopes)
    {
        List<string> said = [];
        var tables = World(themes: false, nopes, seed: seed);
        var result = await TrainJob.RunAsync(Job(tables, Options, said), null, default);

        var chosen = result.Checkpoint.Training.Chosen!;
        Assert.True(chosen.ServesPopularity && chosen.GainLow <= 0, $"{chosen}");
        Assert.Contains(said, line => line.Contains("the release serves what is popular", StringComparison.Ordinal));
        using var model = ModelInMemory.Load(result.Checkpoint, "test", PayloadBuilder.BuildItems(tables), default);
        var likes =
            tables.Videos.Select(
                video => tables.Decisions.Count(row => row.VideoId == video.Id && row.Type == DecisionType.Like)).ToArray();
        foreach (var history in new[] { [], new[] { 20 }, new[] { 1, 30, 39 } })
        {
            var user = model.Encode(
                new(Guid.Empty, new(null), [.. history.Select(n => new HistoryEntry(Video(n), DecisionType.Like, Start, null, [], []))]),
                Start.AddDays(9));
            int[] order = [.. Enumerable.Range(0, Items).OrderByDescending(item => model.Score(user, item))];
            for (var place = 1; place < Items; place++) Assert.True(likes[order[place - 1]] >= likes[order[place]], $"place {place}");
        }
    }

    [Fact]
    public async Task A_release_records_the_choice_in_its_metrics_and_its_checkpoint_and_one_without_has_no_word_of_it()
    {
        var tables = World(themes: true, nopes: false);
        var path = Path.Combine(Path.GetTempPath(), $"chosen-{Guid.NewGuid():N}.safetensors");
        try
        {
            var with = (await TrainJob.RunAsync(Job(tables, Options, []) with { CheckpointPath = path }, null, default)).Checkpoint;
            var read = CheckpointStore.Read(path);
            Assert.Equal(with.Training.Chosen!.Tried.Count, read.Training.Chosen!.Tried.Count);
            Assert.Equal(with.Training.Chosen.Values, read.Training.Chosen.Values);
            Assert.Equal(0, read.Training.Chosen.Values["taste_weight"]); // nobody nopes
            Assert.Contains("\"serves_popularity\": false", Metrics(with), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }

        var without = (await TrainJob.RunAsync(Job(tables, Options with { Choose = null }, []), null, default)).Checkpoint;
        Assert.DoesNotContain("chosen", Metrics(without), StringComparison.Ordinal);

        static string Metrics(Checkpoint checkpoint) => System.Text.Encoding.UTF8.GetString(
            ReleaseFiles.Build(checkpoint, Start).Single(file => file.Path == "metrics.json").Content);
    }

    [Theory]
    [InlineData(false, 32)]
    [InlineData(true, 16)]
    public async Task Data_without_nopes_has_twice_as_many_videos_in_the_linear_model(bool nopes, int items)
    {
        var tables = World(themes: true, nopes);
        var chosen = (await TrainJob.RunAsync(Job(tables, Options with { MaxItems = 16 }, []), null, default)).Checkpoint;
        Assert.Equal((items, Items), (chosen.Training.Items, chosen.History!.Ids.VideoIds.Count));
        var fixedNumber = Options with { MaxItems = 16, Choose = [.. HistoryOptions.Choosable.Where(key => key != "max_items")] };
        Assert.Equal(16, (await TrainJob.RunAsync(Job(tables, fixedNumber, []), null, default)).Checkpoint.History!.Ids.VideoIds.Count);
    }

    [Fact]
    public void A_part_of_the_users_is_what_would_be_read_without_the_others()
    {
        var tables = World(themes: true, nopes: true, users: 40);
        var last = tables.Decisions.MaxBy(row => row.CreatedAt)!.UserId; // the moment stays
        var out20 = tables.Profiles.Select(profile => profile.UserId).Where(user => user != last).Take(20).ToHashSet();
        var data = Interactions.Read(tables, 5000, TimeSpan.FromDays(0.5));
        int[] users = [.. Enumerable.Range(0, data.Users.Count).Skip(20)];

        var part = data.Of(users);
        var read = Interactions.Read(
            tables with
            {
                Profiles = [.. tables.Profiles.Where(row => !out20.Contains(row.UserId))],
                Decisions = [.. tables.Decisions.Where(row => !out20.Contains(row.UserId))]
            },
            5000, TimeSpan.FromDays(0.5));

        Assert.Equal(read.Users.Select(user => user.Likes), part.Users.Select(user => user.Likes));
        Assert.Equal(read.Users.Select(user => user.Nopes), part.Users.Select(user => user.Nopes));
        for (var item = 0; item < Items; item++) Assert.Equal(read.RecentLikes[item], part.RecentLikes[item], 1e-3f);
    }

    [Fact]
    public async Task More_videos_than_an_array_holds_are_refused_with_the_most_that_it_holds_before_anything_is_fitted()
    {
        const int users = 6, each = 4000;
        var decisions = Enumerable.Range(0, users * each).Select(item => new DecisionRow(
            new(1 + item / each, 1, 0, new byte[8]), Video(item), DecisionType.Like, Start.AddMinutes(item)))
            .Append(new(new(1, 1, 0, new byte[8]), Video(each), DecisionType.Nope, Start)).ToList();
        var tables = new TableSet(
            [.. Enumerable.Range(1, users).Select(user => new ProfileRow(new(user, 1, 0, new byte[8]), null, Start))],
            [.. Enumerable.Range(0, users * each).Select(item => new VideoRow { Id = Video(item) })], decisions);

        var error =
            await Assert.ThrowsAsync<InputException>(
                () => TrainJob.RunAsync(Job(tables, Options with { MaxItems = 40_000 }, []), null, default));

        Assert.StartsWith("history.max_items 40000: the linear model of 24,000 videos, likes and nopes, has 48,000 × 48,000 numbers", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("set it to 23170 at most", error.Message, StringComparison.Ordinal);
    }

    private static TrainOptions Job(TableSet tables, HistoryOptions history, List<string> said) => new()
    {
        Recipe = new()
        {
            Name = "small",
            Kind = RecipeKind.History,
            History = history,
            Samples = new() { HeldOutUsers = 0 },
            Features = new() { MinTagFreq = 1 },
            Model = new() { HiddenDims = [16], Dropout = [0.0], EmbeddingDim = 24 },
            Training = new() { Epochs = 2, BatchSize = 64 },
        },
        Tables = tables,
        Register = false,
        Threads = 2,
        Device = TrainingDevice.Cpu,
        Say = said.Add,
    };
}
