using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Features;

/// <summary>Vocabularies, standardisers and vectors against an oracle that knows the contract alone (tests/golden/README.md).</summary>
public class GoldenFeaturesTests
{
    private static readonly FeaturePipeline Pipeline = Fit();
    private static readonly IReadOnlyList<UserPayload> Profiles = [.. Golden.UserPayloads.Take(80)];

    [Fact]
    public void Vocabularies_are_the_oracles_in_order()
    {
        Assert.Equal(Golden.Strings("vocab_tag"), Pipeline.State.TagTokens);
        Assert.Equal(Golden.Strings("vocab_actress"), Pipeline.State.PerformerTokens);
    }

    [Fact]
    public void Standardisers_are_the_oracles()
    {
        foreach (var (property, fitted) in new[] { ("user_numeric", Pipeline.State.UserNumeric), ("item_numeric", Pipeline.State.ItemNumeric) })
        {
            var expected = Golden.Features.GetProperty(property);
            Assert.Equal(expected.EnumerateObject().Select(feature => feature.Name), fitted.Select(feature => feature.Name));
            foreach (var feature in fitted)
            {
                Close.Equal(expected.GetProperty(feature.Name).GetProperty("mean").GetDouble(), feature.Mean, feature.Name + ".mean");
                Close.Equal(expected.GetProperty(feature.Name).GetProperty("std").GetDouble(), feature.Std, feature.Name + ".std");
            }
        }
    }

    [Fact]
    public void The_reference_release_is_the_newest_of_all_videos() =>
        Assert.Equal(Golden.Features.GetProperty("newest_release").GetDateTimeOffset(), Pipeline.State.ReferenceReleasedAt);

    [Fact]
    public void Raw_numerics_are_the_oracles()
    {
        var users = Golden.Rows("user_raw_numeric");
        for (var i = 0; i < users.Length; i++)
        {
            Close.Equal(users[i], FeaturePipeline.RawUser(Profiles[i], Golden.AsOf), $"user {Profiles[i].UserId}");
        }

        var items = Golden.Rows("item_raw_numeric");
        for (var i = 0; i < items.Length; i++)
        {
            var raw = FeaturePipeline.RawItem(Golden.ItemPayloads[i], Pipeline.State.ReferenceReleasedAt);
            Close.Equal(items[i], raw, $"video {Golden.ItemPayloads[i].VideoId}");
        }
    }

    [Fact]
    public void Vectors_are_the_oracles_one_by_one()
    {
        var vector = new float[Pipeline.UserDim];
        var users = Golden.Rows("user_vectors");
        for (var i = 0; i < users.Length; i++)
        {
            Pipeline.EncodeUser(Profiles[i], Golden.AsOf, vector);
            Close.Equal(users[i], [.. vector.Select(x => (double)x)], $"user {i}");
        }

        vector = new float[Pipeline.ItemDim];
        var items = Golden.Rows("item_vectors");
        for (var i = 0; i < items.Length; i++)
        {
            Pipeline.EncodeItem(Golden.ItemPayloads[i], vector);
            Close.Equal(items[i], [.. vector.Select(x => (double)x)], $"item {i}");
        }
    }

    [Fact]
    public void A_matrix_of_many_holds_the_same_vectors()
    {
        var users = Pipeline.EncodeUsers(Profiles, Golden.AsOf);
        var items = Pipeline.EncodeItems(Golden.ItemPayloads);
        Assert.Equal((80, 9, 32), (users.Count, users.DenseDim, users.SparseDim));
        Assert.Equal((140, 3, 32), (items.Count, items.DenseDim, items.SparseDim));

        var row = new float[users.Dim];
        var single = new float[users.Dim];
        for (var i = 0; i < users.Count; i++)
        {
            users.CopyRow(i, row);
            Pipeline.EncodeUser(Profiles[i], Golden.AsOf, single);
            Assert.Equal(single, row);
        }
    }

    [Fact]
    public void A_pipeline_restored_from_its_state_gives_the_same_bits()
    {
        var restored = new FeaturePipeline(
            JsonSerializer.Deserialize<PipelineState>(JsonSerializer.Serialize(Pipeline.State))!);
        var expected = Pipeline.EncodeUsers(Profiles, Golden.AsOf);
        var actual = restored.EncodeUsers(Profiles, Golden.AsOf);
        Assert.Equal(expected.Dense, actual.Dense);
        Assert.Equal(expected.Values, actual.Values);
        Assert.Equal(expected.Indices, actual.Indices);
    }

    [Fact]
    public void Reading_a_payload_and_writing_it_again_changes_nothing()
    {
        foreach (var payload in Golden.UserPayloads)
        {
            Assert.Equal(payload.ToJson(), UserPayload.Parse(payload.ToJson()).ToJson());
        }

        foreach (var payload in Golden.ItemPayloads)
        {
            Assert.Equal(payload.ToJson(), ItemPayload.Parse(payload.ToJson()).ToJson());
        }
    }

    private static FeaturePipeline Fit()
    {
        var limits = Golden.Features.GetProperty("vocab_limits");
        var options = new FeatureOptions
        {
            MaxTagVocab = limits.GetProperty("max_tag_vocab").GetInt32(),
            MinTagFreq = limits.GetProperty("min_tag_freq").GetInt32(),
            MaxActressVocab = limits.GetProperty("max_actress_vocab").GetInt32(),
            MinActressFreq = limits.GetProperty("min_actress_freq").GetInt32(),
        };
        var decided = File.ReadLines(Path.Combine(Golden.Folder, "user_video_decisions.csv")).Skip(1)
            .Select(line => Guid.Parse(line.Split(',')[1])).ToHashSet();
        return FeaturePipeline.Fit(
            options,
            Golden.ItemPayloads,
            Golden.UserPayloads.Take(80).Where(user => user.DecisionStats.DecisionCount > 0),
            Golden.ItemPayloads.Where(item => decided.Contains(item.VideoId)),
            Golden.AsOf);
    }
}
