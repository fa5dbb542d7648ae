using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary>
/// The commands of docs/supabase.md, run as they stand there against a project that is a stand-in. What Supabase's own command line and
/// curl do in them has tests of its own: SchemaScriptTests, DeployTests, EdgeTests.
/// </summary>
[Collection(nameof(SupabaseProjects))]
public sealed class SupabasePageTests(PostgresFixture postgres, SupabaseServer server)
{
    [Fact]
    public async Task From_an_empty_project_to_recommendations()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page is written for a POSIX shell");
        await using var at = await ProjectFixture.CreateAsync(postgres, server, "select 1");
        var output = await RunAsync(at, "From an empty project to recommendations", at.Project);
        Assert.Contains("is published to bucket model-artifacts", output, StringComparison.Ordinal);
        Assert.Equal(200, await at.Project.ScalarAsync<long>("select count(*) from public.video_embeddings"));
        Assert.Contains(at.StandIn.Storage.Names("model-artifacts"), name => name == "two-tower/v2/current/manifest.json");
    }

    [Fact]
    public async Task In_and_out_over_REST()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page is written for a POSIX shell");
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        var output = await RunAsync(at, "In and out over REST", at.Workplace.Database);
        Assert.Contains("nothing was written", output, StringComparison.Ordinal);
        Assert.Equal(140, await at.Project.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    // The addresses and keys of the page are examples.
    private static async Task<string> RunAsync(ProjectFixture at, string heading, TestDatabase database)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "supabase.md"));
        var section = page.Split("\n## ").Single(text => text.StartsWith(heading + "\n", StringComparison.Ordinal));
        var commands = section.Split("```sh\n").Skip(1).SelectMany(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Split('\n'))
            .Select(line => line.Trim()).Where(line => line.StartsWith("twotower ", StringComparison.Ordinal)).ToList();
        Assert.True(commands.Count >= 4, string.Join('\n', commands));
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = at.Workplace.Home,
        };
        foreach (var (name, value) in at.Workplace.Environment) start.Environment[name] = value;
        start.Environment["TWOTOWER_DATABASE"] = database.ConnectionString;
        using var bash = Process.Start(start)!;
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync());
        await bash.StandardInput.WriteAsync(
            $"twotower() {{ dotnet '{Path.Combine(AppContext.BaseDirectory, "twotower.dll")}' \"$@\" </dev/null; }}\nset -e\n{string.Join('\n', commands)}\n");
        bash.StandardInput.Close();
        await bash.WaitForExitAsync();
        Assert.True(bash.ExitCode == 0, $"{await output}\n{await errors}");
        return await output;
    }
}
