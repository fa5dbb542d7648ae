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

    [Fact]
    public async Task An_image_carries_the_libraries_of_its_own_system_and_no_empty_folders()
    {
        using var folder = new TemporaryFolder();
        var configuration = typeof(ContainerImageTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        await MsBuildAsync(
            "TwoTower.Api", "-t:Publish;LeaveOutOfTheImage", $"-p:Configuration={configuration}", "-p:NoBuild=true", $"-p:PublishDir={folder.Path}/");

        var systems = Directory.EnumerateDirectories(Path.Combine(folder.Path, "runtimes")).Select(Path.GetFileName).ToList();
        Assert.Contains("linux-x64", systems);
        Assert.All(systems, system => Assert.StartsWith("linux", system, StringComparison.Ordinal));
        Assert.DoesNotContain(
            Directory.EnumerateDirectories(folder.Path, "*", SearchOption.AllDirectories), directory => !Directory.EnumerateFileSystemEntries(directory).Any());
    }

    /// <summary>TWOTOWER_TEST_BASE_IMAGE names a base image with ASP.NET Core 10 in a registry that this machine and its engine
    /// reach.</summary>
    [Fact]
    public async Task The_APIs_image_starts_answers_as_a_user_that_is_not_root_and_stops()
    {
        var baseImage = Environment.GetEnvironmentVariable("TWOTOWER_TEST_BASE_IMAGE");
        Assert.SkipWhen(string.IsNullOrEmpty(baseImage), "TWOTOWER_TEST_BASE_IMAGE names no base image");
        var registry = baseImage.Split('/')[0];
        var tag = $"test-{Guid.NewGuid():N}";
        var configuration = typeof(ContainerImageTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        await MsBuildAsync(
            "TwoTower.Api", "-t:Publish;PublishContainer", $"-p:Configuration={configuration}", "-p:NoBuild=true",
            $"-p:ContainerBaseImage={baseImage}", $"-p:ContainerRegistry={registry}", $"-p:ContainerImageTag={tag}");

        var port = FreePort.Next();
        var container = (await RunAsync(
            "docker", "run", "--detach", "--network", "host", "--env", $"ASPNETCORE_HTTP_PORTS={port}",
            "--env", "ConnectionStrings__twotower=Host=127.0.0.1;Port=1;Username=nobody;Database=nothing", $"{registry}/twotower-api:{tag}")).Trim();
        try
        {
            using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            while (!await IsLiveAsync(client, limit.Token)) await Task.Delay(500, limit.Token);
            Assert.Equal("1654", (await RunAsync("docker", "inspect", "--format", "{{.Config.User}}", container)).Trim());

            await RunAsync("docker", "stop", "--time", "60", container);
            Assert.Equal("0", (await RunAsync("docker", "inspect", "--format", "{{.State.ExitCode}}", container)).Trim());
        }
        finally
        {
            await RunAsync("docker", "rm", "--force", container);
        }
    }

    private static async Task<bool> IsLiveAsync(HttpClient client, CancellationToken ct)
    {
        try
        {
            using var response = await client.GetAsync(new Uri("/health/live", UriKind.Relative), ct);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Task<string> MsBuildAsync(string project, params string[] arguments) =>
        RunAsync("dotnet", ["msbuild", Path.Combine(PostgresFixture.RepositoryRoot(), project), "-nologo", .. arguments]);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
