using System.Diagnostics;
using System.Text.RegularExpressions;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary>
/// The commands of docs/supabase.md, run as they stand there against a project that is a stand-in. What Supabase's own command line and
/// curl do in them has tests of its own: SchemaScriptTests, DeployTests, EdgeTests.
/// </summary>
[Collection(nameof(SupabaseProjects))]
public sealed partial class SupabasePageTests(PostgresFixture postgres, SupabaseServer server)
{
    [Fact]
    public async Task From_an_empty_project_to_recommendations()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page is written for a POSIX shell");
        await using var at = await ProjectFixture.CreateAsync(postgres, server, "select 1");
        var output = await RunAsync(at, "From an empty project to recommendations", new() { ["TWOTOWER_DATABASE"] = at.Project.ConnectionString });
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
        var output = await RunAsync(at, "In and out over REST", []);
        Assert.Contains("nothing was written", output, StringComparison.Ordinal);
        Assert.Equal(140, await at.Project.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    // The addresses and keys of the page are examples: theirs is the test's value where the page exports them, and none before.
    private static async Task<string> RunAsync(ProjectFixture at, string heading, Dictionary<string, string> values)
    {
        foreach (var name in new[] { "SUPABASE_URL", "SUPABASE_SECRET_KEY" }) values[name] = at.Workplace.Environment[name]!;
        var page = await File.ReadAllTextAsync(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "supabase.md"));
        var section = page.Split("\n## ").Single(text => text.StartsWith(heading + "\n", StringComparison.Ordinal));
        var commands = section.Split("```sh\n").Skip(1).SelectMany(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Split('\n'))
            .Select(line => Example().Replace(line.Trim(), Valued)).ToList();
        Assert.True(commands.Count(line => line.StartsWith("twotower ", StringComparison.Ordinal)) >= 4, string.Join('\n', commands));
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = at.Workplace.Home,
        };
        foreach (var (name, value) in at.Workplace.Environment) start.Environment[name] = value;
        foreach (var name in values.Keys) start.Environment.Remove(name);
        using var bash = Process.Start(start)!;
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync());
        await bash.StandardInput.WriteAsync(
            $$"""
            twotower() { dotnet '{{Path.Combine(AppContext.BaseDirectory, "twotower.dll")}}' "$@" </dev/null; }
            supabase() { true; }
            curl() { true; }
            set -eu
            {{string.Join('\n', commands)}}

            """);
        bash.StandardInput.Close();
        await bash.WaitForExitAsync();
        Assert.True(bash.ExitCode == 0, $"{await output}\n{await errors}");
        return await output;

        string Valued(Match example) =>
            values.TryGetValue(example.Groups["name"].Value, out var value) ? $"{example.Groups["name"].Value}='{value}'" : example.Value;
    }

    [GeneratedRegex("(?<name>[A-Z_]+)='[^']*'")]
    private static partial Regex Example();
}
