using System.Text;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;

namespace TwoTower.Core.Tests.Features;

public class FeatureEncoderTests
{
    private static readonly DateTimeOffset AsOf = new(2025, 1, 31, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_contracts_schema_is_what_we_write()
    {
        var written = Encoding.UTF8.GetString(FeatureSchema.ForUsers(512, 256, 256).ToJson());
        var compact = TestSchemas.AsOlderReadersSee(written);
        Assert.Equal(
            """{"version":"v2","input_name":"user_features","input_dim":777,"embedding_dim":256,"segments":[{"name":"numeric","size":8,"features":["account_age_days","mean_price","median_price","like_ratio","like_count","nope_count","decision_count","recent_like_days"],"type":"standard_score"},{"name":"hour_of_day","size":1,"type":"scaled_bucket","range":[0,1]},{"name":"tag_vector","size":512,"type":"l2_normalized_bow"},{"name":"actress_vector","size":256,"type":"l2_normalized_bow"}]}""",
            compact);
    }

    [Fact]
    public void Segments_are_taken_in_the_order_and_with_the_features_that_a_schema_names()
    {
        // Another program's layout: tags first, then two of the numerics the other way round.
        var schema = Parse("""
            {"version":"v2","input_name":"x","input_dim":4,"embedding_dim":2,"segments":[
              {"name":"tag_vector","size":2,"type":"l2_normalized_bow"},
              {"name":"numbers","size":2,"features":["nope_count","like_count"],"type":"standard_score"}]}
            """);
        var encoder = User(schema, ["a", "b"], [new("like_count", 1, 2), new("nope_count", 0, 4)]);

        var vector = new float[4];
        encoder.Encode(Payload(likes: 7, nopes: 2, tags: ["b", "zzz"]), AsOf, vector);

        Assert.Equal([0f, 1f, 0.5f, 3f], vector);
    }

    [Fact]
    public void Tokens_are_counted_then_divided_by_the_norm_and_unknown_ones_ignored()
    {
        var encoder = User(Bow("tag_vector", 3), ["a", "b", "c"], []);
        var vector = new float[3];
        encoder.Encode(Payload(tags: ["a", "a", "a", "b", "b", "b", "b", "unknown"]), AsOf, vector);
        Assert.Equal([0.6f, 0.8f, 0f], vector);

        encoder.Encode(Payload(tags: ["unknown"]), AsOf, vector);
        Assert.Equal([0f, 0f, 0f], vector);
    }

    [Fact]
    public void A_newer_video_than_the_reference_has_a_negative_recency_and_a_missing_release_none()
    {
        var item = new ItemPayload(Guid.Empty, null, null, AsOf.AddDays(2.5), null, 0, [], [], []);
        Assert.Equal([0, -2.5, 0], FeaturePipeline.RawItem(item, AsOf));
        Assert.Equal([0, 0, 0], FeaturePipeline.RawItem(item with { ProductReleasedAt = null }, AsOf));
        Assert.Equal([0, 0, 0], FeaturePipeline.RawItem(item, null));
    }

    [Theory]
    [InlineData("""{"name":"tag_vector","size":2,"type":"embedding"}""", "its type 'embedding'")]
    [InlineData("""{"name":"words","size":2,"type":"l2_normalized_bow"}""", "segment 'words'")]
    [InlineData("""{"name":"tag_vector","size":3,"type":"l2_normalized_bow"}""", "its size is 3, but there are 2 tokens")]
    [InlineData("""{"name":"n","size":1,"features":["age"],"type":"standard_score"}""", "the user feature 'age' isn't known")]
    [InlineData("""{"name":"n","size":1,"features":["mean_price"],"type":"standard_score"}""", "no mean and std for 'mean_price'")]
    [InlineData("""{"name":"n","size":2,"features":["like_count"],"type":"standard_score"}""", "its size is 2, but there are 1 features")]
    [InlineData("""{"name":"hour_of_day","size":1,"type":"scaled_bucket","range":[0,23]}""", "its range is [0, 23]")]
    public void What_it_does_not_know_is_refused_by_name(string segment, string reason)
    {
        var size = segment.Split("\"size\":")[1][0];
        var schema = Parse($$"""{"version":"v2","input_name":"x","input_dim":{{size}},"embedding_dim":2,"segments":[{{segment}}]}""");
        var error = Assert.Throws<InputException>(() => User(schema, ["a", "b"], [new("like_count", 0, 1)]));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"version":"v2","input_name":"x","input_dim":5,"embedding_dim":2,"segments":[{"name":"tag_vector","size":2,"type":"l2_normalized_bow"}]}""", "input_dim is 5, but the sizes of its segments add up to 2")]
    [InlineData("""{"version":"v2","input_dim":5,"embedding_dim":2,"segments":[]}""", "input_name")]
    [InlineData("nonsense", "is not a feature schema")]
    public void A_schema_that_contradicts_itself_is_refused(string json, string reason)
    {
        var error = Assert.Throws<InputException>(() => Parse(json));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("feature_schema.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Vocabulary_order_is_count_then_code_point_also_beyond_the_basic_plane()
    {
        // U+FF5E sorts before U+1F3AC by code point, after it by UTF-16 unit.
        var vocabulary = Vocabulary.Fit([["🎬", "～", "b"], ["🎬", "～", "b", "b"], ["rare", "b"]], maxSize: 10, minFrequency: 2);
        Assert.Equal(["b", "～", "🎬"], vocabulary.Tokens);
        Assert.Equal(["b", "～"], Vocabulary.Fit([["🎬", "～", "b"], ["🎬", "～", "b"]], maxSize: 2, minFrequency: 2).Tokens);
    }

    [Fact]
    public void A_constant_numeric_has_deviation_one()
    {
        var fitted = StandardizerFit.Fit(["x", "y"], [[0.1, 1], [0.1, 3], [0.1, 5]]);
        Assert.Equal(1.0, fitted[0].Std);
        Assert.Equal(3.0, fitted[1].Mean);
        Assert.Equal(Math.Sqrt(8.0 / 3.0), fitted[1].Std, 12);
    }

    [Fact]
    public void An_empty_vocabulary_is_a_shorter_vector_and_said()
    {
        var item = new ItemPayload(Guid.NewGuid(), 1, 1, AsOf, null, 0, [], ["a"], []);
        List<string> said = [];
        var pipeline = FeaturePipeline.Fit(
            new FeatureOptions { MinTagFreq = 2 }, [item], [Payload()], [item], AsOf, said.Add);
        Assert.Equal((9, 3), (pipeline.UserDim, pipeline.ItemDim));
        Assert.Contains(said, line => line.Contains("no tag is on 2 or more of the 1 videos (min_tag_freq)", StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_to_fit_on_is_refused()
    {
        Assert.Contains("videos is empty", Assert.Throws<InputException>(
            () => FeaturePipeline.Fit(new(), [], [Payload()], [], AsOf)).Message, StringComparison.Ordinal);
        var item = new ItemPayload(Guid.NewGuid(), 1, 1, AsOf, null, 0, [], ["a"], []);
        Assert.Contains("no user or video has a usable decision", Assert.Throws<InputException>(
            () => FeaturePipeline.Fit(new(), [item], [], [item], AsOf)).Message, StringComparison.Ordinal);
    }

    private static FeatureSchema Parse(string json) => FeatureSchema.Parse(Encoding.UTF8.GetBytes(json), "feature_schema.json");

    private static FeatureSchema Bow(string name, int size) =>
        new("v2", "x", size, 2, [new(name, size, FeatureSegmentTypes.BagOfWords)]);

    private static FeatureEncoder User(FeatureSchema schema, string[] tags, NumericStandardizer[] standardizers) =>
        new(FeatureSide.User, schema, standardizers, new(tags), new([]), null);

    private static UserPayload Payload(int likes = 0, int nopes = 0, string[]? tags = null) =>
        new(Guid.Empty, new(null), new(likes, nopes, likes + nopes, null), new(0, 0), tags ?? [], []);
}
