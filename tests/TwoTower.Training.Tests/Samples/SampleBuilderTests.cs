using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Training.Samples;

namespace TwoTower.Training.Tests.Samples;

public class SampleBuilderTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Each_like_and_nope_is_a_sample_and_negatives_fill_up_to_three_per_like()
    {
        // User 0: 2 likes, 1 nope → 3·2 − 1 = 5 more. User 1: only a nope → 3·max(1, 0) − 1 = 2 more.
        var samples =
            Build(World(
                users: 2, videos: 10, (0, 0, DecisionType.Like), (0, 1, DecisionType.Like), (0, 2, DecisionType.Nope),
                (1, 0, DecisionType.Nope)));

        Assert.Equal((2, 2, 7), Counts(samples, null));
        Assert.Equal((2, 1, 5), Counts(samples, 0));
        Assert.Equal((0, 1, 2), Counts(samples, 1));
    }

    [Fact]
    public void More_nopes_than_wanted_negatives_are_all_kept_and_none_is_added()
    {
        var samples = Build(World(1, 10, [(0, 0, DecisionType.Like), .. Enumerable.Range(1, 5).Select(v => (0, v, DecisionType.Nope))]));
        Assert.Equal((1, 5, 0), Counts(samples, null));
    }

    [Fact]
    public void A_pair_liked_twice_is_two_samples_and_a_like_turned_nope_is_one_of_each()
    {
        var samples =
            Build(World(1, 10, (0, 0, DecisionType.Like), (0, 0, DecisionType.Like), (0, 1, DecisionType.Like), (0, 1, DecisionType.Nope)));
        Assert.Equal((3, 1, 3 * 3 - 1), Counts(samples, null));
    }

    [Fact]
    public void Decisions_of_nobody_or_about_nothing_are_left_out_but_count_for_the_as_of_time()
    {
        var world = World(1, 4, (0, 0, DecisionType.Like));
        var samples = Build(world with
        {
            Decisions =
            [
                .. world.Decisions,
                new(Guid.NewGuid(), world.Videos[0].Id, DecisionType.Like, Noon),
                new(world.Profiles[0].UserId, Guid.NewGuid(), DecisionType.Like, Noon.AddHours(5)),
            ],
        });
        Assert.Equal((1, 0, 3), Counts(samples, null));
        Assert.Equal(Noon.AddHours(5), samples.AsOf);
    }

    [Theory]
    [InlineData(3)] // few decided: drawn until one fits
    [InlineData(57)] // nearly all decided: drawn from the rest
    public void Sampled_negatives_come_evenly_from_the_videos_not_decided_on(int decided)
    {
        var samples =
            Build(World(1, 60, [.. Enumerable.Range(0, decided).Select(v => (0, v, DecisionType.Like))]), ratio: 900 / decided * 2);

        var drawn =
            samples.VideoIndex.Where((_, i) => samples.Type[i] == SampleType.SampledNegative).CountBy(v => samples.Videos[v]).ToList();
        var expected = samples.Type.Count(t => t == SampleType.SampledNegative) / (60.0 - decided);
        Assert.Equal(60 - decided, drawn.Count);
        Assert.All(drawn, d => Assert.InRange(d.Value, 0.5 * expected, 1.6 * expected));
        Assert.DoesNotContain(drawn, d => Convert.ToInt32(d.Key.ToString()[..8], 16) < decided);
    }

    [Fact]
    public void Negatives_by_popularity_come_as_often_as_others_like_a_video_and_never_from_what_the_user_decided_on()
    {
        // Of the others' likes 3 are of video 1 and 1 of video 2; user 0 has liked video 0, which others like too, and noped video 4.
        var world = World(
            5, 20, (0, 0, DecisionType.Like), (0, 4, DecisionType.Nope), (1, 1, DecisionType.Like), (2, 1, DecisionType.Like),
            (3, 1, DecisionType.Like), (4, 2, DecisionType.Like), (4, 0, DecisionType.Like), (4, 4, DecisionType.Like));
        var samples = SampleBuilder.Build(world, new SampleOptions { NegativeSamplingRatio = 8000, NegativePopularity = 1 }, 42);

        var drawn = Enumerable.Range(0, samples.Count)
            .Where(i => samples.Type[i] == SampleType.SampledNegative && samples.Users[samples.UserIndex[i]] == Id(0))
            .CountBy(i => samples.Videos[samples.VideoIndex[i]]).ToDictionary();
        Assert.Equal([Id(1), Id(2)], drawn.Keys.Order());
        Assert.Equal(3.0, drawn[Id(1)] / (double)drawn[Id(2)], 0.3);
    }

    [Fact]
    public void A_share_of_the_negatives_by_popularity_leaves_the_rest_uniform()
    {
        var world = World(2, 101, (0, 0, DecisionType.Like), (1, 1, DecisionType.Like));
        var samples = SampleBuilder.Build(world, new SampleOptions { NegativeSamplingRatio = 10_000, NegativePopularity = 0.5 }, 42);

        var ofUser = Enumerable.Range(0, samples.Count)
            .Where(i => samples.Type[i] == SampleType.SampledNegative && samples.Users[samples.UserIndex[i]] == Id(0)).ToList();
        var popular = ofUser.Count(i => samples.Videos[samples.VideoIndex[i]] == Id(1)) / (double)ofUser.Count;
        Assert.Equal(0.505, popular, 0.02); // half of the draws, and a hundredth of the uniform other half
    }

    [Fact]
    public void A_user_who_decided_on_everything_gets_no_negatives()
    {
        var samples = Build(World(2, 3, [.. Enumerable.Range(0, 3).Select(v => (0, v, DecisionType.Like)), (1, 0, DecisionType.Nope)]));
        Assert.Equal((3, 0, 0), Counts(samples, 0));
        Assert.Equal((0, 1, 2), Counts(samples, 1));
    }

    [Fact]
    public void The_same_seed_gives_the_same_samples_and_another_seed_other_ones()
    {
        var world = World(1, 1000, (0, 0, DecisionType.Like), (0, 1, DecisionType.Nope));
        Assert.Equal(Build(world).Videos, Build(world).Videos);
        Assert.NotEqual(Build(world).Videos, Build(world, seed: 43).Videos);
    }

    [Fact]
    public void Only_users_and_videos_of_the_samples_are_listed()
    {
        var samples = Build(World(users: 5, videos: 3, (3, 0, DecisionType.Like), (3, 1, DecisionType.Nope)), ratio: 0);
        Assert.Equal([Id(3)], samples.Users);
        Assert.Equal([Id(0), Id(1)], samples.Videos);
        Assert.Equal([0, 1], samples.VideoIndex);
    }

    [Fact]
    public void Tables_that_hold_nothing_to_learn_from_are_told_apart()
    {
        Assert.Contains("no videos", Refusal(World(1, 0, (0, 0, DecisionType.Like))));
        Assert.Contains("no decisions", Refusal(World(1, 5)));
        Assert.Contains("None of the 1 decisions", Refusal(World(1, 5, (0, 7, DecisionType.Like)) with { Profiles = [] }));
        Assert.Contains("no likes", Refusal(World(1, 5, (0, 0, DecisionType.Nope))));
        Assert.Contains("are likes", Refusal(World(1, 1, (0, 0, DecisionType.Like))));
    }

    private static string Refusal(TableSet tables) => Assert.Throws<NothingToTrainException>(() => Build(tables)).Message;

    private static SampleSet Build(TableSet tables, int ratio = 3, int seed = 42) =>
        SampleBuilder.Build(tables, new SampleOptions { NegativeSamplingRatio = ratio }, seed);

    private static (int Likes, int Nopes, int Sampled) Counts(SampleSet samples, int? user)
    {
        int Of(SampleType type) => Enumerable.Range(0, samples.Count).Count(
            i => samples.Type[i] == type && (user is null || samples.Users[samples.UserIndex[i]] == Id(user.Value)));
        return (Of(SampleType.Like), Of(SampleType.Nope), Of(SampleType.SampledNegative));
    }

    private static Guid Id(int number) => Guid.Parse($"{number:x8}-0000-0000-0000-000000000000");

    private static TableSet World(int users, int videos, params (int User, int Video, DecisionType Type)[] decisions) => new(
        [.. Enumerable.Range(0, users).Select(u => new ProfileRow(Id(u), null, Noon.AddDays(-9)))],
        [.. Enumerable.Range(0, videos).Select(v => new VideoRow { Id = Id(v) })],
        [.. decisions.Select(d => new DecisionRow(Id(d.User), Id(d.Video), d.Type, Noon))]);
}
