using TwoTower.Core.Features;

namespace TwoTower.Core.Tests.Features;

public class PayloadJsonTests
{
    [Theory]
    [InlineData("2025-10-12T09:30:00Z")]
    [InlineData("2025-10-12T18:30:00.000000+09:00")]
    [InlineData("2025-10-12 09:30:00+00")]
    [InlineData("2025-10-12T09:30:00")]
    public void Times_are_instants_whatever_their_offset(string text)
    {
        var payload = UserPayload.Parse($$$"""
            {"user_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4","profile":{"created_at":"{{{text}}}"},
             "decision_stats":{"like_count":0,"nope_count":0,"decision_count":0,"recent_like_at":null,"average_like_hour":12}}
            """);
        Assert.Equal(new DateTimeOffset(2025, 10, 12, 9, 30, 0, TimeSpan.Zero), payload.Profile.CreatedAt);
    }

    [Fact]
    public void Another_programs_JSON_may_leave_lists_out_write_numbers_as_text_and_add_keys()
    {
        var payload = UserPayload.Parse("""
            {"user_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4","profile":null,"extra":1,
             "decision_stats":{"like_count":"3","nope_count":1,"decision_count":4,"average_like_hour":"12.5"},
             "price_stats":{"mean":"980.5","median":980},"tags":null,"performers":["a",null]}
            """);
        Assert.Null(payload.Profile.CreatedAt);
        Assert.Equal(new(3, 1, 4, null, 12.5), payload.DecisionStats);
        Assert.Equal(980.5, payload.PriceStats.Mean);
        Assert.Empty(payload.Tags);
        Assert.Equal(["a"], payload.Performers);

        var item = ItemPayload.Parse("""{"video_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4","price":"1200.00","region_codes":null}""");
        Assert.Equal(1200, item.Price);
        Assert.Empty(item.RegionCodes);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"user_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4"}""")]
    [InlineData("""{"user_id":"someone","decision_stats":{"like_count":0,"nope_count":0,"decision_count":0}}""")]
    [InlineData("""{"user_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4","decision_stats":{"like_count":1,"nope_count":0,"decision_count":1,"recent_like_at":"soon"}}""")]
    public void What_is_no_payload_is_refused(string json)
    {
        var error = Assert.Throws<InputException>(() => UserPayload.Parse(json));
        Assert.Contains("get_user_embedding_features", error.Message, StringComparison.Ordinal);
    }
}
