using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>What an image is made of, as MSBuild says it; making one needs the registry that the base image comes from.</summary>
public class ContainerImageTests
{
    [Theory]
    [InlineData("TwoTower.Api", "10.0-noble-chiseled")]
    [InlineData("TwoTower.Embedder", "10.0-noble-chiseled")]
    [InlineData("TwoTower.Cli", "10.0-noble-chiseled")]
    [InlineData("TwoTower.Trainer", "10.0-noble")]
    public async Task An_image_is_small_unless_it_trains_and_does_not_run_as_root(string project, string tag)
    {
        using var json = JsonDocument.Parse(await MsBuildAsync(project, "-getProperty:ContainerBaseImage,ContainerUser"));
        var properties = json.RootElement.GetProperty("Properties");
        Assert.EndsWith($"/aspnet:{tag}", properties.GetProperty("ContainerBaseImage").GetString(), StringComparison.Ordinal);
        Assert.Equal("1654", properties.GetProperty("ContainerUser").GetString()); // the base images' user app
    }

    [Theory]
    [InlineData("TwoTower.Api")]
    [InlineData("TwoTower.Embedder")]
    public async Task Who_does_not_train_knows_nothing_of_torch(string project)
    {
        await using var assets = File.OpenRead(Path.Combine(PostgresFixture.RepositoryRoot(), project, "obj", "project.assets.json"));
        using var json = await JsonDocument.ParseAsync(assets);
        var packages = json.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name).ToList();
        Assert.Contains(packages, package => package.StartsWith("Microsoft.ML.OnnxRuntime/", StringComparison.Ordinal));
        Assert.DoesNotContain(packages, package => package.Contains("torch", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_base_image_out_of_reach_is_one_line_that_names_it_and_what_helps()
    {
        var configuration = typeof(ContainerImageTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        using var process = Process.Start(new ProcessStartInfo("dotnet",
        [
            "publish", Path.Combine(PostgresFixture.RepositoryRoot(), "TwoTower.Embedder"), "-c", configuration, "--no-build", "-t:PublishContainer",
            "-p:ContainerBaseImage=127.0.0.1:1/somewhere:1", "-v", "q",
        ])
        {
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.NotEqual(0, process.ExitCode);
        var error = Assert.Single(output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct());
        Assert.Contains("the base image 127.0.0.1:1/somewhere:1 can't be had", error, StringComparison.Ordinal);
        Assert.Contains("-p:ContainerBaseImage=", error, StringComparison.Ordinal);
    }

    private static async Task<string> MsBuildAsync(string project, string question)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", Path.Combine(PostgresFixture.RepositoryRoot(), project), question, "-nologo"])
        {
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
