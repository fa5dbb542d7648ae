using System.Globalization;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class EvaluateVerbTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-evaluate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Recipes_and_baselines_stand_side_by_side_and_the_rankings_can_be_recomputed()
    {
        var dump = Path.Combine(_folder, "rankings.csv");

        var result = await TwotowerProcess.RunAsync(
            "evaluate", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--baseline", "popularity", "--baseline", "ease",
            "--dump", dump, "--json");

        Assert.True(result.ExitCode == 0, result.Err);
        using var report = JsonDocument.Parse(result.Out);
        Assert.Contains("recall_20", result.Out, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(dump);
        Assert.Equal("viewer,rank,video,score", lines[0]); // of the one recipe
        foreach (var ranking in lines[1..].Select(line => line.Split(',')).GroupBy(row => row[0]))
        {
            Assert.Equal(Enumerable.Range(1, ranking.Count()), ranking.Select(row => int.Parse(row[1], CultureInfo.InvariantCulture)));
            var scores = ranking.Select(row => float.Parse(row[3], CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(scores.OrderDescending(), scores);
        }
    }

    [Fact]
    public async Task A_suffix_that_no_viewer_has_is_an_error_with_a_remedy()
    {
        var result = await TwotowerProcess.RunAsync(
            "evaluate", "--data", Golden.Folder, "--baseline", "popularity", "--validation-suffix", "777");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("give another --validation-suffix", result.ErrorLines[^1], StringComparison.Ordinal);
    }
}
