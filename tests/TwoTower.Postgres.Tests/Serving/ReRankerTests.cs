using TwoTower.Postgres.Serving;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>The re-ranking of the contract's section 9; every number worked out by hand.</summary>
public sealed class ReRankerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 20, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(null, 0)]
    [InlineData(0.0, 0.3)]
    [InlineData(120.0, 0.110363832351433)] // 0.3 / e
    [InlineData(60.0, 0.181959197913790)] // 0.3 · e^−½
    [InlineData(-1.0, 0.1)] // not yet released
    public void Recency_decays_by_a_factor_of_e_in_120_days(double? daysAgo, double expected) =>
        Assert.Equal(expected, ReRanker.Recency(daysAgo is { } days ? Now.AddDays(-days) : null, Now), 12);

    [Theory]
    [InlineData(null, 0)]
    [InlineData(0.0, 0.02)]
    [InlineData(799.99, 0.03)]
    [InlineData(800.0, 0)]
    [InlineData(4000.0, 0)]
    [InlineData(4000.01, -0.05)]
    public void Free_and_cheap_videos_gain_and_dear_ones_lose(double? price, double expected) =>
        Assert.Equal(expected, ReRanker.PriceTerm((decimal?)price), 12);

    [Fact]
    public void The_score_is_three_quarters_of_the_similarity_and_the_two_terms() =>
        Assert.Equal(0.75 * 0.8 + 0.110363832351433 - 0.05, ReRanker.Score(0.8, Now.AddDays(-120), 5_000, Now), 12);

    [Fact]
    public void A_new_free_video_overtakes_a_more_similar_old_one_unless_re_ranking_is_off()
    {
        Candidate old = new(new VideoCard { Id = new Guid(1, 0, 0, new byte[8]) }, 0.9);
        Candidate fresh = new(new VideoCard { Id = new Guid(2, 0, 0, new byte[8]), Price = 0, ReleasedAt = Now }, 0.6);

        var ranked = ReRanker.Best([old, fresh], 2, Now, reRank: true);
        Assert.Equal([fresh, old], ranked.Select(video => video.Candidate));
        Assert.Equal(0.77, ranked[0].RankScore, 12); // 0.45 + 0.3 + 0.02
        Assert.Equal(0.675, ranked[1].RankScore, 12);

        Assert.Equal([old, fresh], ReRanker.Best([old, fresh], 2, Now, reRank: false).Select(video => video.Candidate));
    }

    [Fact]
    public void Equal_videos_have_a_steady_order_and_only_as_many_as_asked_for_are_kept()
    {
        var candidates =
            Enumerable.Range(0, 10).Reverse().Select(
                n => new Candidate(new VideoCard { Id = new Guid(n, 0, 0, new byte[8]) }, 0.5)).ToList();
        Assert.Equal(
            Enumerable.Range(0, 3).Select(n => new Guid(n, 0, 0, new byte[8])),
            ReRanker.Best(candidates, 3, Now, true).Select(video => video.Candidate.Video.Id));
    }

    [Theory]
    [InlineData(20, 200)]
    [InlineData(100, 400)]
    [InlineData(1, 200)]
    public void Candidates_are_four_for_each_video_and_200_at_least(int limit, int expected) =>
        Assert.Equal(expected, new RecommendationOptions().Candidates(limit));

    [Fact]
    public void Fresh_videos_that_nobody_has_liked_have_every_fifth_place_the_newest_first()
    {
        static Candidate Video(int n, double popularity, double days) =>
            new(new VideoCard { Id = new Guid(n, 0, 0, new byte[8]), ReleasedAt = Now.AddDays(-days) }, popularity);
        Candidate[] liked = [.. Enumerable.Range(1, 20).Select(n => Video(n, 1 - n * 0.01, 1000))];
        Candidate[] all = [.. liked, Video(101, 0, 20), Video(102, 0, 2), Video(103, 0, 40), Video(104, 0, -3)];

        var shown = ReRanker.BestAndFresh(all, 12, Now, every: 5, TimeSpan.FromDays(30));
        Assert.Equal(
            [1, 2, 3, 4, 102, 5, 6, 7, 8, 101, 9, 10],
            shown.Select(video => Convert.ToInt32(video.Candidate.Video.Id.ToString()[..8], 16)));
        Assert.Equal(shown.Select(video => video.RankScore).OrderDescending(), shown.Select(video => video.RankScore));
        Assert.Equal(ReRanker.Best(all, 12, Now, reRank: true), ReRanker.BestAndFresh(all, 12, Now, every: 0, TimeSpan.FromDays(30)));
        // where all are shown, none needs a place
        Assert.Equal(24, ReRanker.BestAndFresh(all, 50, Now, every: 5, TimeSpan.FromDays(30)).Count);
        Assert.Equal(4, ReRanker.BestAndFresh(all, 4, Now, every: 5, TimeSpan.FromDays(30)).Count);
    }
}
