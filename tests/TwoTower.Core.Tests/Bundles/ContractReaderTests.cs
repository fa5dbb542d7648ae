using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Bundles;

/// <summary>What docs/contract.md says of a bundle is all that another program needs.</summary>
public sealed class ContractReaderTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 1, 20, 0, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Recipes => ["golden", "random", "histories"];

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_reader_written_from_the_contract_gives_our_vectors_and_embeddings(string kind)
    {
        var checkpoint = Checkpoint(kind);
        using var reader = await ExportAsync(checkpoint);
        var probes = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder.Path, "bundle", "probes.json"))).RootElement;
        var asOf = probes.GetProperty("as_of").GetDateTimeOffset();
        var encoder = CheckpointFeatures.Of(checkpoint).User;
        foreach (var probe in probes.GetProperty("users").EnumerateArray())
        {
            var payload = probe.GetProperty("payload");
            var expected = new float[encoder.Dim];
            encoder.Encode(UserPayload.Parse(payload.GetRawText()), asOf, expected);
            var vector = reader.Vector(payload, asOf);
            Close(expected, vector, 1e-6);
            Close([.. probe.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle())], reader.Embed(vector), 1e-5);
        }
    }

    [Fact]
    public async Task It_gives_the_golden_users_vectors_which_another_program_computed()
    {
        using var reader = await ExportAsync(TestCheckpoints.Golden());
        var expected = Golden.Rows("user_vectors");
        Assert.True(expected.Length > 50);
        foreach (var (payload, row) in Golden.UserPayloads.Zip(expected, (payload, row) => (payload, row)))
        {
            Close([.. row.Select(value => (float)value)], reader.Vector(JsonElement.Parse(payload.ToJson()), Golden.AsOf), 1e-5);
        }
    }

    [Fact]
    public async Task Its_ranking_is_that_of_the_contract()
    {
        using var reader = await ExportAsync(TestCheckpoints.Golden());
        Assert.True(reader.Ranking.GetProperty("re_rank").GetBoolean());
        Assert.Equal(0.75 * 0.5 + 0.3 / Math.E + 0.03, reader.RankScore(0.5, At.AddDays(-120), 500, At), 12);
        Assert.Equal(0.75 * 0.5 + 0.1 - 0.05, reader.RankScore(0.5, At.AddDays(1), 4_001, At), 12);
        Assert.Equal(0.75 * 0.5 + 0.02, reader.RankScore(0.5, null, 0, At), 12);
        Assert.Equal(0.75 * 0.5, reader.RankScore(0.5, null, 4_000, At), 12);
        Assert.Equal((4, 200, 500, "video_id"), (reader.Ranking.GetProperty("candidates_per_video").GetInt32(), reader.Ranking.GetProperty("least_candidates").GetInt32(),
            reader.Ranking.GetProperty("most_candidates").GetInt32(), reader.Ranking.GetProperty("ties").GetString()));
    }

    [Fact]
    public void What_an_older_bundle_lacks_is_null_and_what_it_has_is_read()
    {
        var schema = FeatureSchema.Parse(
            """{"version":"v2","input_name":"x","input_dim":1,"embedding_dim":2,"segments":[{"name":"hour_of_day","size":1,"type":"scaled_bucket"}]}"""u8,
            "test");
        Assert.Null(Assert.Single(schema.Segments).Payload);
        Assert.Null(ModelMeta.Parse("{}"u8, "test").Ranking);
        Assert.DoesNotContain("payload", System.Text.Encoding.UTF8.GetString(schema.ToJson()), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static Checkpoint Checkpoint(string kind) => kind switch
    {
        "golden" => TestCheckpoints.Golden(),
        "random" => TestCheckpoints.Random(),
        _ => TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)]),
    };

    private async Task<ContractReader> ExportAsync(Checkpoint checkpoint)
    {
        var bundle = Path.Combine(_folder.Path, "bundle");
        await TestBundles.WriteOursAsync(bundle, checkpoint, TestBundles.ForeignVideos, At);
        return new(bundle);
    }

    private static void Close(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.InRange(
            Math.Abs(expected[i] - actual[i]), 0, tolerance * Math.Max(1, Math.Abs(expected[i])));
    }
}
