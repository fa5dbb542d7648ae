using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Tests.Features;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Artifacts;

public sealed class ReleaseFilesTests
{
    private static readonly DateTimeOffset ExportedAt = new(2026, 1, 2, 12, 4, 5, 123, TimeSpan.FromHours(9));

    private static Dictionary<string, JsonElement> Json(IEnumerable<ReleaseFile> files) => files
        .Where(file => file.Path.EndsWith(".json", StringComparison.Ordinal))
        .ToDictionary(file => file.Path, file => JsonElement.Parse(file.Content));

    [Fact]
    public void The_files_are_those_of_the_contract_and_ours()
    {
        var files = ReleaseFiles.Build(TestCheckpoints.Golden(), ExportedAt);
        Assert.Equal(
            ["feature_schema.json", "item_feature_schema.json", "item_tower.onnx", "metrics.json", "model_meta.json", "normalizer.json",
                "probes.json", "user_tower.onnx", "vocab_actress.json", "vocab_tag.json"],
            files.Select(file => file.Path));
    }

    [Fact]
    public void The_feature_schema_has_the_shape_of_the_contract_to_the_letter()
    {
        var json = Json(ReleaseFiles.Build(TestCheckpoints.Golden(), ExportedAt));
        const string expected =
            """
            {"version":"v2","input_name":"user_features","input_dim":41,"embedding_dim":256,"segments":[{"name":"numeric","size":8,"features":["account_age_days","mean_price","median_price","like_ratio","like_count","nope_count","decision_count","recent_like_days"],"type":"standard_score"},{"name":"hour_of_day","size":1,"type":"scaled_bucket","range":[0,1]},{"name":"tag_vector","size":20,"type":"l2_normalized_bow"},{"name":"actress_vector","size":12,"type":"l2_normalized_bow"}]}
            """;
        Assert.Equal(expected, TestSchemas.AsOlderReadersSee(json["feature_schema.json"].GetRawText()));
        Assert.Equal("item_features", json["item_feature_schema.json"].GetProperty("input_name").GetString());
        Assert.Equal(35, json["item_feature_schema.json"].GetProperty("input_dim").GetInt32());
    }

    [Fact]
    public void Normalizer_vocabularies_and_meta_are_the_pipeline_exactly()
    {
        var checkpoint = TestCheckpoints.Golden();
        var json = Json(ReleaseFiles.Build(checkpoint, ExportedAt));
        foreach (var (section, numerics) in new[] { ("user_numeric", checkpoint.Pipeline.UserNumeric), ("item_numeric", checkpoint.Pipeline.ItemNumeric) })
        {
            var written = json["normalizer.json"].GetProperty(section);
            Assert.Equal(numerics.Select(n => n.Name), written.EnumerateObject().Select(p => p.Name));
            foreach (var numeric in numerics)
            {
                Assert.Equal(numeric.Mean, written.GetProperty(numeric.Name).GetProperty("mean").GetDouble());
                Assert.Equal(numeric.Std, written.GetProperty(numeric.Name).GetProperty("std").GetDouble());
            }
        }

        Assert.Equal(Golden.Strings("vocab_tag"), json["vocab_tag.json"].GetProperty("tokens").Deserialize<string[]>());
        Assert.Equal(Golden.Strings("vocab_actress"), json["vocab_actress.json"].GetProperty("tokens").Deserialize<string[]>());
        var meta = json["model_meta.json"];
        Assert.Equal("2026-01-02T03:04:05.123Z", meta.GetProperty("exported_at").GetString());
        Assert.Equal((256, 41, 35, 20, 12), (
            meta.GetProperty("embedding_dim").GetInt32(), meta.GetProperty("user_feature_dim").GetInt32(),
            meta.GetProperty("item_feature_dim").GetInt32(), meta.GetProperty("tag_vocab_size").GetInt32(),
            meta.GetProperty("actress_vocab_size").GetInt32()));
        Assert.Equal(checkpoint.Pipeline.ReferenceReleasedAt, meta.GetProperty("reference_released_at").GetDateTimeOffset());
        Assert.Equal("v2", meta.GetProperty("config").GetProperty("name").GetString());
        Assert.Equal(2, json["metrics.json"].GetProperty("best_epoch").GetInt32());
    }

    [Fact]
    public void The_same_checkpoint_gives_the_same_bytes_but_for_the_date()
    {
        var first = ReleaseFiles.Build(TestCheckpoints.Golden(), ExportedAt);
        var second = ReleaseFiles.Build(TestCheckpoints.Golden(), ExportedAt.AddDays(1));
        Assert.Equal(["model_meta.json"], first.Zip(second).Where(pair => pair.First.Sha256 != pair.Second.Sha256).Select(pair => pair.First.Path));
        Assert.Equal(ModelVersion.ContentHash(first), ModelVersion.ContentHash(second));
        Assert.Equal($"v2-20260102T030405Z-{ModelVersion.ContentHash(first)[..8]}", ModelVersion.Of("v2", ExportedAt, first));
    }

    [Fact]
    public void Another_weight_is_another_version()
    {
        var one = ReleaseFiles.Build(TestCheckpoints.Random(seed: 1), ExportedAt);
        var two = ReleaseFiles.Build(TestCheckpoints.Random(seed: 2), ExportedAt);
        Assert.NotEqual(ModelVersion.Of("v2", ExportedAt, one), ModelVersion.Of("v2", ExportedAt, two));
    }

    [Fact]
    public void A_tower_that_does_not_fit_its_pipeline_is_refused()
    {
        var checkpoint = TestCheckpoints.Golden() with { User = TestCheckpoints.Tower(new Random(1), [40, 8, 256]) };
        var error = Assert.Throws<InputException>(() => ReleaseFiles.Build(checkpoint, ExportedAt));
        Assert.Contains("user tower is 40 → 256", error.Message, StringComparison.Ordinal);
        Assert.Contains("need 41 → 256", error.Message, StringComparison.Ordinal);
    }
}
