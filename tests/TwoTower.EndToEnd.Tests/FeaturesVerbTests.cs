using System.Text.Json;
using TwoTower.Core.Features;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class FeaturesVerbTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-features-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_golden_world_comes_out_as_an_independent_program_computed_it()
    {
        var path = Path.Combine(_folder, "out", "features.json");

        var result = await TwotowerProcess.RunAsync(
            "features", "--data", Golden.Folder, "--as-of", "2025-10-12T09:30:00Z", "--max-tag-vocab", "20", "--min-tag-freq", "3",
            "--max-actress-vocab", "12", "--min-actress-freq", "2", "--out", path);

        Assert.True(result.ExitCode == 0, result.Err);
        var actual = JsonDocument.Parse(await File.ReadAllBytesAsync(path)).RootElement;
        var expected = Golden.Features;
        Assert.Equal(expected.EnumerateObject().Select(p => p.Name), actual.EnumerateObject().Select(p => p.Name));
        foreach (var name in new[] { "vocab_tag", "vocab_actress", "user_ids", "video_ids" })
        {
            Assert.Equal(expected.GetProperty(name).Deserialize<string[]>(), actual.GetProperty(name).Deserialize<string[]>());
        }

        Assert.Equal(expected.GetProperty("as_of").GetDateTimeOffset(), actual.GetProperty("as_of").GetDateTimeOffset());
        Assert.Equal(expected.GetProperty("newest_release").GetDateTimeOffset(), actual.GetProperty("newest_release").GetDateTimeOffset());
        foreach (var name in new[] { "user_raw_numeric", "item_raw_numeric", "user_vectors", "item_vectors" })
        {
            var (want, have) = (Golden.Rows(name), actual.GetProperty(name).Deserialize<double[][]>()!);
            Assert.Equal(want.Length, have.Length);
            for (var row = 0; row < want.Length; row++) Close.Equal(want[row], have[row], $"{name}[{row}]");
        }

        foreach (var side in new[] { "user_numeric", "item_numeric" })
        {
            foreach (var numeric in expected.GetProperty(side).EnumerateObject())
            {
                foreach (var number in numeric.Value.EnumerateObject())
                {
                    Close.Equal(number.Value.GetDouble(), actual.GetProperty(side).GetProperty(numeric.Name).GetProperty(number.Name).GetDouble(), $"{numeric.Name}.{number.Name}");
                }
            }
        }
    }

    [Fact]
    public async Task The_payloads_lie_beside_the_features_and_are_the_golden_ones()
    {
        var path = Path.Combine(_folder, "features.json");

        Assert.Equal(0, (await TwotowerProcess.RunAsync("features", "--data", Golden.Folder, "--as-of", "2025-10-12T09:30:00Z", "--out", path)).ExitCode);

        using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "user_payloads.json")));
        UserPayload[] actual = [.. document.RootElement.EnumerateArray().Select(entry => UserPayload.Parse(entry.GetRawText()))];
        Assert.Equal(Golden.UserPayloads.Select(p => p.UserId), actual.Select(p => p.UserId));
        foreach (var (want, have) in Golden.UserPayloads.Zip(actual))
        {
            Assert.Equal(want.DecisionStats with { AverageLikeHour = 0 }, have.DecisionStats with { AverageLikeHour = 0 });
            Close.Equal(want.DecisionStats.AverageLikeHour, have.DecisionStats.AverageLikeHour, "average_like_hour");
            Close.Equal(want.PriceStats.Mean, have.PriceStats.Mean, "mean price");
            Close.Equal(want.PriceStats.Median, have.PriceStats.Median, "median price");
            Assert.Equal(want.Profile, have.Profile);
            Assert.Equal(want.Tags.Order(), have.Tags.Order());
            Assert.Equal(want.Performers.Order(), have.Performers.Order());
        }
    }

    [Fact]
    public async Task A_folder_that_fails_leaves_the_files_that_were_there()
    {
        var path = Path.Combine(_folder, "features.json");
        await File.WriteAllTextAsync(path, "before");

        var result = await TwotowerProcess.RunAsync("features", "--data", _folder, "--out", path);

        Assert.Equal(2, result.ExitCode);
        Assert.Single(result.ErrorLines);
        Assert.Equal("before", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task What_nothing_reads_of_the_files_is_told_without_being_asked()
    {
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        var profiles = Path.Combine(_folder, "profiles.csv");
        var rows = await File.ReadAllLinesAsync(profiles, TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(profiles, rows.Select((row, at) => row + (at == 0 ? ",shoe_size" : ",43")), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "ratings.csv"), "userId\n", TestContext.Current.CancellationToken);

        var result = await TwotowerProcess.RunAsync("features", "--data", _folder, "--out", Path.Combine(_folder, "features.json"));

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("profiles.csv: column 'shoe_size' is ignored", result.Out);
        Assert.Contains("ratings.csv is ignored", result.Out);
    }

    [Fact]
    public async Task A_time_that_is_none_is_refused()
    {
        var result = await TwotowerProcess.RunAsync("features", "--data", Golden.Folder, "--as-of", "yesterday", "--out", Path.Combine(_folder, "f.json"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--as-of yesterday", Assert.Single(result.ErrorLines));
    }
}
