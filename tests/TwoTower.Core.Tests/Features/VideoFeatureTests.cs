using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Features;

/// <summary>Vectors from elsewhere as a segment of an item's features.</summary>
public sealed class VideoFeatureTests
{
    private static readonly DateTimeOffset AsOf = new(2025, 1, 31, 0, 0, 0, TimeSpan.Zero);
    private static readonly UserPayload User = UserPayload.Parse(
        """{"user_id":"020aefa6-44d9-48c0-b971-04ef2f8618b4","decision_stats":{"like_count":1,"nope_count":0,"decision_count":1}}""");

    private static ItemPayload Item(int n, params (string Name, float[] Vector)[] vectors) => new(TestVideos.Id(n), 10, 20, AsOf, null, 0, [], ["a"], [])
    {
        VideoFeatures = vectors.Length == 0 ? null : vectors.ToDictionary(vector => vector.Name, vector => vector.Vector),
    };

    private static FeaturePipeline Fit(IReadOnlyList<string>? names, params ItemPayload[] items) => FeaturePipeline.Fit(
        new() { MinTagFreq = 1, VideoFeatures = names }, items, [User], items, AsOf);

    [Fact]
    public void A_vector_is_centred_and_scaled_to_a_mean_square_length_of_one_with_a_flag_and_a_video_without_one_is_zeros()
    {
        // Mean (2, 0); distances from it 1 and 3 to either side of it: root mean square √5.
        ItemPayload[] items =
        [
            Item(1, ("clip", [1, 0])), Item(2, ("clip", [3, 0])), Item(3, ("clip", [2, 3])), Item(4, ("clip", [2, -3]), ("other", [9])), Item(5),
        ];
        var pipeline = Fit(["clip"], items);
        var fitted = Assert.Single(pipeline.State.VideoFeatures!);
        Assert.Equal([2.0, 0.0], fitted.Mean);
        Assert.Equal(Math.Sqrt(5), fitted.Std, 12);

        Assert.Equal(["numeric", "clip", "tag_vector", "actress_vector"], pipeline.ItemSchema(4).Segments.Select(segment => segment.Name));
        Assert.Equal((3 + 3 + 1, 6), (pipeline.ItemDim, pipeline.ItemDenseDim));
        var vector = new float[pipeline.ItemDim];
        pipeline.EncodeItem(items[3], vector);
        Assert.Equal([0f, (float)(-3 / Math.Sqrt(5)), 1f, 1f], vector[3..]);
        pipeline.EncodeItem(items[4], vector);
        Assert.Equal([0f, 0f, 0f, 1f], vector[3..]);

        // The same through the matrix that training reads: the vectors are part of its dense head.
        var matrix = pipeline.EncodeItems(items);
        Assert.Equal((6, 1), (matrix.DenseDim, matrix.SparseDim));
        var row = new float[pipeline.ItemDim];
        for (var i = 0; i < items.Length; i++)
        {
            pipeline.EncodeItem(items[i], vector);
            matrix.CopyRow(i, row);
            Assert.Equal(vector, row);
        }
    }

    [Fact]
    public void Without_a_name_the_layout_and_the_numbers_are_what_they_were()
    {
        var (plain, given) = (Fit(null, Item(1), Item(2)), Fit(null, Item(1, ("clip", [1, 2])), Item(2)));
        Assert.Equal(plain.ItemSchema(4).ToJson(), given.ItemSchema(4).ToJson());
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(plain.State), System.Text.Json.JsonSerializer.Serialize(given.State));
        Assert.DoesNotContain("VideoFeatures", System.Text.Json.JsonSerializer.Serialize(plain.State), StringComparison.Ordinal);
        Assert.DoesNotContain("video_features", Item(1).ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vector_of_another_length_is_refused_with_both_lengths_and_the_remedy()
    {
        var pipeline = Fit(["clip"], Item(1, ("clip", [1, 0])), Item(2, ("clip", [3, 0])));
        var error = Assert.Throws<InputException>(() => pipeline.EncodeItem(Item(7, ("clip", [1, 2, 3])), new float[pipeline.ItemDim]));
        Assert.Contains($"Video {TestVideos.Id(7)} has a vector 'clip' of 3 numbers, the model was trained with 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("of one length", Assert.Throws<InputException>(() => Fit(["clip"], Item(1, ("clip", [1])), Item(2, ("clip", [1, 2])))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_video_of_the_training_has_is_refused_with_the_names_that_there_are()
    {
        var error = Assert.Throws<InputException>(() => Fit(["sound"], Item(1, ("clip", [1]), ("title", [2])), Item(2)));
        Assert.Contains("names 'sound', and none of the 2 videos that are trained on has such a vector (there are clip, title)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"clip","size":2,"type":"video_feature"}""", "its size is 2, but there are 3 numbers in its mean and the one")]
    [InlineData("""{"name":"sound","size":3,"type":"video_feature"}""", "the normaliser has no video_features of that name")]
    public void A_segment_that_does_not_fit_the_normaliser_is_refused(string segment, string reason)
    {
        var size = segment.Split("\"size\":")[1][0];
        var schema = FeatureSchema.Parse(
            System.Text.Encoding.UTF8.GetBytes($$"""{"version":"v2","input_name":"x","input_dim":{{size}},"embedding_dim":2,"segments":[{{segment}}]}"""), "test");
        FeatureEncoder Bind(FeatureSide side) => new(side, schema, [], new([]), new([]), null, null, [new("clip", [0, 0], 1)]);
        Assert.Contains(reason, Assert.Throws<InputException>(() => Bind(FeatureSide.Item)).Message, StringComparison.Ordinal);
        Assert.Contains("a video_feature is of an item", Assert.Throws<InputException>(() => Bind(FeatureSide.User)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_release_describes_them_in_its_files_and_a_reader_needs_nothing_else()
    {
        var checkpoint = TestCheckpoints.Random(vectors: [new("clip", [0.5, -0.5, 0.25], 2), new("title", [1], 0.5)]);
        var files = new ReleaseFileSet("test", ReleaseFiles.Build(checkpoint, AsOf));
        var schema = FeatureSchema.Parse(files[ArtifactNames.ItemFeatureSchema], "item_feature_schema.json");
        Assert.Equal([("clip", 4, "video_feature"), ("title", 2, "video_feature")], schema.Segments.Skip(1).Take(2).Select(segment => (segment.Name, segment.Size, segment.Type)));

        using var tower = ItemTower.FromFiles(files);
        Assert.Equal(["clip", "title"], tower.VideoFeatures);
        var item = Golden.ItemPayloads[0] with { VideoFeatures = new Dictionary<string, float[]> { ["clip"] = [1, 2, 3], ["unread"] = [9] } };
        float[] Embed(ItemPayload payload)
        {
            var embedding = new float[tower.EmbeddingDim];
            tower.Encode([payload], embedding);
            return embedding;
        }

        // The probes are computed by the trainer's own weights, apart from the network.
        var probes = ProbeSet.Parse(files[ArtifactNames.Probes], "probes.json");
        Assert.All(probes.Items, probe => Close.Equal([.. probe.Embedding.Select(x => (double)x)], [.. Embed(probe.Payload).Select(x => (double)x)], "embedding", 1e-5));
        Assert.NotEqual(Embed(item), Embed(item with { VideoFeatures = null }));

        // A video's hash covers them, and only those that the tower reads.
        long Hash(ItemPayload payload)
        {
            Span<long> hash = [0];
            tower.Hash([payload], hash);
            return hash[0];
        }

        Assert.NotEqual(Hash(item), Hash(item with { VideoFeatures = new Dictionary<string, float[]> { ["clip"] = [1, 2, 3.001f] } }));
        Assert.Equal(Hash(item), Hash(item with { VideoFeatures = new Dictionary<string, float[]> { ["clip"] = [1, 2, 3], ["unread"] = [8] } }));
    }

    [Fact]
    public void A_checkpoint_and_its_release_keep_them_exactly()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "latest.safetensors");
        var checkpoint = TestCheckpoints.Random(vectors: new VectorStandardizer("clip", [1 / 3.0, Math.PI], 0.1));
        CheckpointStore.Write(path, checkpoint);
        Assert.Equal(
            ReleaseFiles.Build(checkpoint, AsOf).Select(file => file.Sha256),
            ReleaseFiles.Build(CheckpointStore.Read(path), AsOf).Select(file => file.Sha256));
        var probes = ProbeSet.Make(checkpoint);
        Assert.Contains(probes.Items, probe => probe.Payload.VideoFeatures is not null);
        Assert.Contains(probes.Items, probe => probe.Payload.VideoFeatures is null);
    }
}
