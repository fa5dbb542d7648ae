using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;

namespace TwoTower.Datasets.Tests.Generation;

public class CatalogueGeneratorTests
{
    private static readonly DateTimeOffset Anchor = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TableSet Made = CatalogueGenerator.Generate(new() { Anchor = Anchor });

    [Fact]
    public void The_same_seed_and_anchor_give_the_same_rows_and_another_seed_others()
    {
        string Rows(int seed) =>
            JsonSerializer.Serialize(CatalogueGenerator.Generate(new() { Anchor = Anchor, Seed = seed, Users = 50, Videos = 100 }));
        Assert.Equal(Rows(1), Rows(1));
        Assert.NotEqual(Rows(1), Rows(2));
    }

    [Fact]
    public void It_is_as_large_as_asked_with_tens_of_decisions_a_viewer()
    {
        Assert.Equal((2000, 5000), (Made.Profiles.Count, Made.Videos.Count));
        Assert.InRange(Made.Decisions.Count, 60_000, 100_000);
        Assert.InRange(Made.Decisions.Count(decision => decision.Type == DecisionType.Like) / (double)Made.Decisions.Count, 0.3, 0.7);
        Assert.InRange(Made.Decisions.Select(decision => decision.UserId).Distinct().Count(), 1850, 1980);
    }

    [Fact]
    public void Nothing_is_later_than_the_anchor_or_earlier_than_what_it_needs()
    {
        var created = Made.Profiles.ToDictionary(profile => profile.UserId, profile => profile.CreatedAt);
        var released = Made.Videos.ToDictionary(video => video.Id, video => video.ProductReleasedAt);
        Assert.All(Made.Decisions, decision =>
        {
            Assert.True(decision.CreatedAt <= Anchor);
            Assert.True(decision.CreatedAt >= created[decision.UserId]);
            Assert.True(decision.CreatedAt >= released[decision.VideoId]);
        });
        Assert.All(Made.Videos, video => Assert.True(video.ProductReleasedAt < Anchor && !(video.DistributionStartedAt > Anchor)));
        Assert.True(Anchor - Made.Videos.Max(video => video.ProductReleasedAt) < TimeSpan.FromDays(3));
    }

    [Fact]
    public void Keys_are_unique_and_nobody_decides_twice_on_a_video()
    {
        Assert.Equal(5000, Made.Videos.Select(video => video.Id).Distinct().Count());
        Assert.Equal(5000, Made.Videos.Select(video => video.Title).Distinct().Count());
        Assert.Equal(Made.Decisions.Count, Made.Decisions.Select(decision => (decision.UserId, decision.VideoId)).Distinct().Count());
        Assert.All(Made.Videos, video => Assert.Equal(video.Tags.Count, video.Tags.Distinct().Count()));
    }

    [Fact]
    public void Some_videos_have_few_tags_or_no_price_and_a_few_are_decided_on_far_more_than_most()
    {
        Assert.InRange(Made.Videos.Count(video => video.Tags.Count <= 1), 50, 600);
        Assert.Contains(Made.Videos, video => video.Price is null);
        Assert.Contains(Made.Videos, video => video.Price == 0);
        Assert.Contains(Made.Videos, video => video.DurationSeconds is null);
        var counts = Made.Decisions.GroupBy(decision => decision.VideoId).Select(group => group.Count()).OrderDescending().ToList();
        Assert.True(counts.Take(500).Sum() > 0.3 * Made.Decisions.Count, "the most popular tenth has a third of the decisions or more");
    }

    [Fact]
    public void A_viewers_other_likes_tell_his_likes_from_his_nopes()
    {
        var videos = Made.Videos.ToDictionary(video => video.Id);
        double wins = 0, pairs = 0;
        foreach (var viewer in Made.Decisions.GroupBy(decision => decision.UserId).Take(300))
        {
            var likes = viewer.Where(decision => decision.Type == DecisionType.Like).Select(decision => videos[decision.VideoId]).ToList();
            var nopes = viewer.Where(decision => decision.Type == DecisionType.Nope).Select(decision => videos[decision.VideoId]).ToList();
            var taste = likes.SelectMany(video => video.Tags).CountBy(tag => tag).ToDictionary(pair => pair.Key, pair => pair.Value);
            double Score(VideoRow video, int own) =>
                video.Tags.Count == 0 ? 0 : video.Tags.Average(tag => taste.GetValueOrDefault(tag) - own);
            foreach (var like in likes)
            {
                foreach (var nope in nopes)
                {
                    var (left, right) = (Score(like, 1), Score(nope, 0));
                    wins += left > right ? 1 : left == right ? 0.5 : 0;
                    pairs++;
                }
            }
        }

        Assert.InRange(wins / pairs, 0.7, 0.98);
    }

    [Fact]
    public void A_size_out_of_range_is_refused() => Assert.Contains(
        "the value is 0", Assert.Throws<InputException>(() => CatalogueGenerator.Generate(new() { Anchor = Anchor, Users = 0 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Its_features_can_be_fitted()
    {
        var asOf = Made.Decisions.Max(decision => decision.CreatedAt);
        List<string> said = [];
        var items = PayloadBuilder.BuildItems(Made);
        var pipeline = FeaturePipeline.Fit(new(), items, PayloadBuilder.BuildUsers(Made, asOf), items, asOf, said.Add);
        Assert.Empty(said);
        Assert.InRange(pipeline.State.TagTokens.Count, 80, 200);
        Assert.Equal(256, pipeline.State.PerformerTokens.Count);
    }
}
