using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Features;

/// <summary>Segments of a model whose user tower reads the history: pooled_history and id_embedding.</summary>
public class HistoryFeaturesTests
{
    private static readonly DateTimeOffset AsOf = new(2025, 1, 31, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid[] Videos = [.. Enumerable.Range(1, 4).Select(n => new Guid(n, 0, 0, new byte[8]))];

    private static UserPayload Payload(PooledHistory? history) =>
        new(Guid.Empty, new(null), new(0, 0, 0, null), new(0, 0), [], []) { History = history };

    private static FeatureEncoder Users(double? smoothing = 2) => new(
        FeatureSide.User,
        new FeatureSchema("v3", "user_features", 4, 3,
        [
            new(FeatureSegmentNames.LikedHistory, 2, FeatureSegmentTypes.PooledHistory, Smoothing: smoothing),
            new(FeatureSegmentNames.NopedHistory, 2, FeatureSegmentTypes.PooledHistory, Smoothing: smoothing),
        ]), [], new([]), new([]), null);

    [Fact]
    public void The_schema_says_all_that_a_reader_needs()
    {
        var written = System.Text.Encoding.UTF8.GetString(FeatureSchema.ForHistories(255, 10, 256).ToJson());
        Assert.Equal(
            """{"version":"v3","input_name":"user_features","input_dim":510,"embedding_dim":256,"segments":[{"name":"liked_history","size":255,"type":"pooled_history","smoothing":10,"payload":"history.liked","counts":["history.likes","history.nopes"],"least_divisor":1E-09},{"name":"noped_history","size":255,"type":"pooled_history","smoothing":10,"payload":"history.noped","counts":["history.likes","history.nopes"],"least_divisor":1E-09}]}""",
            string.Concat(written.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public void Sums_are_divided_by_the_number_of_decisions_and_the_smoothing()
    {
        var vector = new float[] { 9, 9, 9, 9 };
        Users().Encode(Payload(new(3, 5, [10, -5], [1, 2])), AsOf, vector);
        Assert.Equal([1f, -0.5f, 0.1f, 0.2f], vector);
        Users().Encode(Payload(PooledHistory.Empty), AsOf, vector);
        Assert.Equal([0f, 0f, 0f, 0f], vector);
    }

    [Fact]
    public void Features_without_the_history_or_with_another_releases_are_refused()
    {
        var vector = new float[4];
        Assert.Contains("have no history", Assert.Throws<InputException>(() => Users().Encode(Payload(null), AsOf, vector)).Message, StringComparison.Ordinal);
        var error = Assert.Throws<InputException>(() => Users().Encode(Payload(new(1, 0, [1, 2, 3], [])), AsOf, vector));
        Assert.Contains("liked_history has 3 numbers, the feature schema says 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("smoothing is missing", Assert.Throws<InputException>(() => Users(null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_payload_of_SQL_with_a_history_is_read_and_one_without_is_written_as_the_contract_has_it()
    {
        var payload = UserPayload.Parse(
            """{"user_id":"00000000-0000-0000-0000-000000000001","decision_stats":{"like_count":1,"nope_count":0,"decision_count":1,"recent_like_at":null},"history":{"likes":1,"nopes":0,"liked":[0.5,1e-3],"noped":[]}}""");
        Assert.Equal([0.5f, 0.001f], payload.History!.Liked);
        Assert.DoesNotContain("history", Payload(null).ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_known_video_has_its_own_part_and_another_zeros()
    {
        var ids = new ItemIds([Videos[0], Videos[2]], [.. new[] { 1.0, 2.0, -3.0, 0.25 }.Select(x => (Half)x)], 2);
        var encoder = new FeatureEncoder(
            FeatureSide.Item,
            new FeatureSchema("v3", "item_features", 2, 3, [new(FeatureSegmentNames.IdEmbedding, 2, FeatureSegmentTypes.IdEmbedding)]), [], new([]), new([]), null, ids);
        Assert.Equal([-3f, 0.25f], Encode(Videos[2]));
        Assert.Equal([0f, 0f], Encode(Videos[1]));

        float[] Encode(Guid video)
        {
            var vector = new float[] { 9, 9 };
            encoder.Encode(new ItemPayload(video, null, null, null, null, 0, [], [], []), vector);
            return vector;
        }
    }

    [Fact]
    public void The_table_of_own_parts_survives_its_file_and_a_damaged_one_is_refused()
    {
        var ids = new ItemIds(Videos, [.. Enumerable.Range(0, 12).Select(n => (Half)(n / 8.0))], 3);
        using var stream = new MemoryStream();
        ids.ToFile().Write(stream);
        var read = ItemIds.Parse(SafetensorsFile.Parse(stream.ToArray()));
        Assert.Equal(Videos, read.VideoIds);
        var row = new float[3];
        read.Read(Videos[3], row);
        Assert.Equal([9 / 8f, 10 / 8f, 11 / 8f], row);

        var twice = ids.ToFile() with { Tensors = [new("video_ids", "U8", [2, 16], new byte[32]), new("id_embeddings", "F16", [2, 3], new byte[12])] };
        Assert.Contains("has a video twice", Assert.Throws<InputException>(() => ItemIds.Parse(twice)).Message, StringComparison.Ordinal);
        var uneven = ids.ToFile() with { Tensors = [new("video_ids", "U8", [1, 16], new byte[16]), new("id_embeddings", "F16", [2, 3], new byte[12])] };
        Assert.Contains("must be U8 [n, 16] and F16 [n, dim]", Assert.Throws<InputException>(() => ItemIds.Parse(uneven)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_history_counts_each_video_once_by_its_latest_decision_up_to_the_moment()
    {
        var pool = new HistoryPool(
            new Dictionary<Guid, int> { [Videos[0]] = 0, [Videos[1]] = 1, [Videos[2]] = 2 },
            [1, 10, 100, 1000, 2, 20, 200, 2000, 4, 40, 400, 4000], 2);
        HistoryEntry At(int video, DecisionType type, int day) => new(Videos[video], type, AsOf.AddDays(day), null, [], []);
        var history = new UserHistory(Guid.Empty, new(null),
        [
            At(0, DecisionType.Like, -3), At(0, DecisionType.Nope, -2), At(1, DecisionType.Nope, -1), At(1, DecisionType.Like, -1),
            At(2, DecisionType.Like, 0), At(2, DecisionType.Nope, 1), At(3, DecisionType.Like, -5),
        ]);

        Same(new(2, 1, [6, 60], [100, 1000]), pool.Pool(history, AsOf));
        Same(new(1, 1, [2, 20], [100, 1000]), pool.Pool(history, AsOf.AddDays(-1)));
        Same(new(1, 0, [1, 10], []), pool.Pool(history, AsOf.AddDays(-3)));
        Same(PooledHistory.Empty, pool.Pool(history, AsOf.AddDays(-4)));

        static void Same(PooledHistory expected, PooledHistory actual)
        {
            Assert.Equal((expected.Likes, expected.Nopes), (actual.Likes, actual.Nopes));
            Assert.Equal(expected.Liked, actual.Liked);
            Assert.Equal(expected.Noped, actual.Noped);
        }
    }

    [Fact]
    public void A_checkpoint_of_histories_is_restored_exactly_and_its_history_tower_gives_what_training_gave()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "latest.safetensors");
        var checkpoint = TestCheckpoints.Histories(Videos);
        CheckpointStore.Write(path, checkpoint);
        var read = CheckpointStore.Read(path);
        var before = ReleaseFiles.Build(checkpoint, AsOf);
        Assert.Equal(
            before.Select(file => (file.Path, file.Sha256)), ReleaseFiles.Build(read, AsOf).Select(file => (file.Path, file.Sha256)));
        Assert.Equal(before.Select(file => file.Path).Order(StringComparer.Ordinal), before.Select(file => file.Path));

        var files = new ReleaseFileSet("test", before);
        var probes = ProbeSet.Parse(files[ArtifactNames.Probes], ArtifactNames.Probes);
        using var tower = ItemTower.FromFiles(files);
        var (embedding, history) = (new float[tower.EmbeddingDim], new float[tower.HistoryDim]);
        Assert.All(probes.Items, probe =>
        {
            tower.Encode([probe.Payload], embedding, default, history);
            Close.Equal([.. probe.History!.Select(x => (double)x)], [.. history.Select(x => (double)x)], "history", 1e-5);
        });
    }
}
