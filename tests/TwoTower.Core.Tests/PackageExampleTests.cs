using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.Core.Tests;

/// <summary>The example of TwoTower.Core/README.md, which sees only what the package publishes.</summary>
public sealed class PackageExampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_readme_shows_the_example_that_is_built()
    {
        var root = PostgresFixture.RepositoryRoot();
        var readme = File.ReadAllText(Path.Combine(root, "TwoTower.Core", "README.md"));
        Assert.Contains($"```csharp\n{File.ReadAllText(Path.Combine(root, "docs", "examples", "ServeBundle", "Program.cs"))}```", readme, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ranks_a_bundles_videos_for_a_user()
    {
        var bundle = Path.Combine(_folder.Path, "bundle");
        await TestBundles.WriteOursAsync(bundle, TestCheckpoints.Random(seed: 1), TestBundles.ForeignVideos, Golden.AsOf);
        var user = Path.Combine(_folder.Path, "user.json");
        await File.WriteAllTextAsync(user, Golden.UserPayloads[0].ToJson());

        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "ServeBundle.dll"), bundle, user]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();

        Assert.Equal(0, process.ExitCode);
        Assert.Equal(TestBundles.ForeignVideos.Order(), lines.Select(line => Guid.Parse(line[..36])).Order());
        var scores = lines.Select(line => double.Parse(line[37..])).ToList();
        Assert.Equal(scores.OrderDescending(), scores);
    }
}
