using System.Text;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Artifacts;

public sealed class LikeCalibrationTests : IDisposable
{
    private static readonly LikeCalibration Calibration = new(2, -1, 0.5, 6, 4, 120, 1_900, 1_200);
    private readonly TemporaryFolder _folder = new();

    private string Bundle => Path.Combine(_folder.Path, "bundle");

    public void Dispose() => _folder.Dispose();

    private static DecisionStats Decisions(int likes, int nopes) => new(likes, nopes, likes + nopes, null);

    [Fact]
    public void The_probability_is_of_the_score_and_of_the_users_own_rate()
    {
        // 14 likes and a nope: ln((14 + 6) / (1 + 4)) = ln 4; 2 × .5 − 1 + .5 × ln 4 = ln 2, which is 2 to 1.
        Assert.Equal(2.0 / 3, Calibration.Of(0.5, Decisions(14, 1)), 12);

        // Nothing decided: the prior, ln 1.5; 2 × .5 − 1 + .5 × ln 1.5 = ln √1.5.
        Assert.Equal(Math.Sqrt(1.5) / (1 + Math.Sqrt(1.5)), Calibration.Of(0.5, Decisions(0, 0)), 12);
    }

    [Fact]
    public void It_rises_with_the_score_and_with_the_likes_and_stays_a_probability()
    {
        double[] byScore = [.. new[] { -1.0, -0.2, 0, 0.3, 1 }.Select(score => Calibration.Of(score, Decisions(3, 3)))];
        Assert.Equal(byScore.Order(), byScore);
        Assert.Equal(byScore.Distinct(), byScore);
        double[] byLikes = [.. new[] { 0, 1, 10, 1_000 }.Select(likes => Calibration.Of(0.1, Decisions(likes, 3)))];
        Assert.Equal(byLikes.Order(), byLikes);
        Assert.Equal(byLikes.Distinct(), byLikes);
        var steep = Calibration with { Slope = 1e6 };
        Assert.Equal((0, 1), (steep.Of(-1, Decisions(3, 3)), steep.Of(1, Decisions(3, 3))));
    }

    [Fact]
    public void The_file_of_the_release_and_the_checkpoint_bring_it_back()
    {
        var checkpoint = TestCheckpoints.Random() with { Calibration = Calibration };
        var path = Path.Combine(_folder.Path, "checkpoint.safetensors");
        CheckpointStore.Write(path, checkpoint);
        var restored = CheckpointStore.Read(path);
        Assert.Equal(Calibration, restored.Calibration);

        var files = ReleaseFiles.Build(restored, Golden.AsOf);
        Assert.Equal(files.Select(file => file.Path).Order(StringComparer.Ordinal), files.Select(file => file.Path));
        var json = Encoding.UTF8.GetString(files.Single(file => file.Path == "calibration.json").Content);
        Assert.Equal(
            """
            {
              "slope": 2,
              "intercept": -1,
              "rate_weight": 0.5,
              "prior_likes": 6,
              "prior_nopes": 4,
              "users": 120,
              "likes": 1900,
              "nopes": 1200
            }

            """.ReplaceLineEndings("\n"), json);
        using var tower = UserTower.FromFiles(new ReleaseFileSet("test", files));
        Assert.Equal(Calibration, tower.Calibration);
    }

    [Fact]
    public void Without_one_the_release_has_the_files_it_had()
    {
        var files = ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf);
        Assert.DoesNotContain(files, file => file.Path == ArtifactNames.Calibration);
        Assert.DoesNotContain("like_probability", Encoding.UTF8.GetString(files.Single(file => file.Path == ArtifactNames.ModelMeta).Content), StringComparison.Ordinal);
        using var tower = UserTower.FromFiles(new ReleaseFileSet("test", files));
        Assert.Null(tower.Calibration);
    }

    [Theory]
    [InlineData("slope", "0", "calibration.json: slope is 0; it must be above 0")]
    [InlineData("slope", "-3.5", "calibration.json: slope is -3.5; it must be above 0")]
    [InlineData("slope", "1e999", "calibration.json: slope is Infinity; it must be above 0")]
    [InlineData("intercept", "-1e999", "calibration.json: intercept is -Infinity; it must be a finite number")]
    [InlineData("rate_weight", "1e999", "calibration.json: rate_weight is Infinity; it must be a finite number")]
    [InlineData("prior_likes", "0", "calibration.json: prior_likes is 0; it must be above 0")]
    [InlineData("prior_nopes", "-1", "calibration.json: prior_nopes is -1; it must be above 0")]
    [InlineData("intercept", "\"NaN\"", "calibration.json can't be read")]
    [InlineData("rate_weight", null, "calibration.json can't be read")]
    public async Task A_bundle_with_one_that_cant_be_served_is_refused_by_name(string key, string? value, string reason)
    {
        await TestBundles.WriteOursAsync(
            Bundle, TestCheckpoints.Random() with { Calibration = Calibration }, TestBundles.ForeignVideos, Golden.AsOf);
        Assert.Contains("calibration.json", (await BundleReader.ReadAsync(Bundle)).Files.Files.Select(file => file.Path));
        var path = Path.Combine(Bundle, "calibration.json");
        var lines = (await File.ReadAllLinesAsync(path)).Where(line => value is not null || !line.Contains(key, StringComparison.Ordinal))
            .Select(line => line.Contains($"\"{key}\"", StringComparison.Ordinal) ? $"  \"{key}\": {value}," : line);
        await File.WriteAllLinesAsync(path, lines);
        ManifestBuilder.Build(Bundle, "edited", Golden.AsOf);

        var message = (await Assert.ThrowsAsync<InputException>(() => BundleReader.ReadAsync(Bundle))).Message;

        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.StartsWith($"bundle {Bundle}, ", message, StringComparison.Ordinal);
    }
}
