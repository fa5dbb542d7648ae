using System.Globalization;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Vectors of videos from elsewhere, from a folder of files to the live API.</summary>
public sealed class VideoFeaturesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    private string Tables => _workplace.PathOf("tables");

    public async ValueTask InitializeAsync()
    {
        _workplace = await Workplace.CreateAsync(postgres);
        Directory.CreateDirectory(Tables);
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, Path.Combine(Tables, Path.GetFileName(file)));
        Write(3);
    }

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    // Two videos in three have a vector.
    private void Write(int dim, int from = 0) => File.WriteAllLines(
        Path.Combine(Tables, "video_features.csv"),
        [
            "video_id,name,vector",
            .. Golden.Tables.Videos.Skip(from).Where((_, i) => i % 3 > 0).Select((video, i) =>
                $"{video.Id},clip,\"[{string.Join(',', Enumerable.Range(0, dim).Select(k => (i * (k + 1) % 17 / 8.0).ToString(CultureInfo.InvariantCulture)))}]\""),
        ]);

    [Fact]
    public async Task They_are_imported_and_exported_as_they_are()
    {
        await _workplace.RunAsync("import", "csv", Tables);
        const string content = "select string_agg(format('%s %s %s', video_id, name, vector), ';' order by video_id) from two_tower.video_features";
        var imported = await _workplace.Database.ScalarAsync<string>(content);
        Assert.Equal(93, imported.Split(';').Length);

        var copy = _workplace.PathOf("copy");
        var report = await _workplace.JsonAsync("db", "export", copy);
        Assert.Equal(6, report.GetProperty("files").GetArrayLength());
        await _workplace.Database.ExecuteAsync("delete from two_tower.video_feature_names");
        await _workplace.RunAsync("import", "csv", copy);
        Assert.Equal(imported, await _workplace.Database.ScalarAsync<string>(content));
    }

    [Fact]
    public async Task Another_length_than_the_databases_is_one_line_that_says_what_helps_and_nothing_is_imported()
    {
        await _workplace.RunAsync("import", "csv", Tables);
        Write(4);
        var result = await _workplace.TryAsync("import", "csv", Tables);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("vectors named clip have 3 numbers", Assert.Single(result.ErrorLines), StringComparison.Ordinal);
        Assert.Contains("delete from two_tower.video_feature_names where name = 'clip'", result.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_features_verb_shows_them_where_they_are_named()
    {
        async Task<JsonElement> FeaturesAsync(params string[] more)
        {
            var path = _workplace.PathOf("features.json");
            await _workplace.RunAsync(["features", "--data", Tables, "--as-of", "2025-10-12T09:30:00Z", "--out", path, .. more]);
            return JsonDocument.Parse(await File.ReadAllBytesAsync(path)).RootElement;
        }

        var (plain, with) = (await FeaturesAsync(), await FeaturesAsync("--video-features", "clip"));
        Assert.False(plain.TryGetProperty("video_features", out _));
        Assert.Equal(3, with.GetProperty("video_features").GetProperty("clip").GetProperty("mean").GetArrayLength());
        int Width(JsonElement features) => features.GetProperty("item_vectors")[0].GetArrayLength();
        Assert.Equal(Width(plain) + 4, Width(with));

        var refused = await _workplace.TryAsync("features", "--data", Tables, "--video-features", "sound", "--out", _workplace.PathOf("x.json"));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("names 'sound'", Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        refused = await _workplace.TryAsync("features", "--data", Tables, "--video-features", "two words", "--out", _workplace.PathOf("x.json"));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("'two words'", Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task The_live_api_ranks_with_them_as_the_evaluation_does(string rpc)
    {
        var report = await _workplace.JsonAsync(
            "evaluate", "--data", Tables, "--recipe", "v2", "--epochs", "1", "--set", "features.video_features=clip", "--set", $"features.use_rpc_features={rpc}",
            "--baseline", "none", "--live", "5");
        var live = Assert.Single(report.GetProperty("live").EnumerateArray());
        EvaluateVerbTests.AssertSameRankings(live);
    }
}
