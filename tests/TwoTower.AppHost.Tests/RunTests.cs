using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.Testing;

namespace TwoTower.AppHost.Tests;

/// <summary>The AppHost as a person starts and stops it: a process of its own, with the dashboard and this machine's PostgreSQL.</summary>
public sealed class RunTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);
    private readonly TemporaryFolder _home = new();
    private readonly int _port = FreePort.Next(), _dashboard = FreePort.Next();
    private LocalPostgresOptions Own => new() { Home = _home.Path, AllowContainer = false };

    public ValueTask InitializeAsync()
    {
        // As root the server runs as another user, who must be able to come to its folder.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_home.Path, File.GetUnixFileMode(_home.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await LocalPostgresServer.StopAsync(Own, Console.WriteLine);
        _home.Dispose();
    }

    [Fact]
    public async Task Without_flags_an_empty_machine_comes_to_recommendations_Ctrl_C_ends_everything_and_the_next_start_reuses_everything()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        Assert.SkipWhen((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "podman"))), "podman needs no engine to answer");
        using var limit = new CancellationTokenSource(Limit);

        var trained = await RunAsync(limit.Token);
        Assert.Equal(trained, await RunAsync(limit.Token));
    }

    [Theory]
    [InlineData("--operation", "publish", "--step", "publish")]
    [InlineData("--operation", "publish", "--step", "publish", "--target", "kubernetes")]
    [InlineData("--publisher", "manifest", "--output-path", "manifest.json")]
    public async Task It_does_not_publish_and_says_what_does(params string[] args)
    {
        await using var process = TwotowerProcess.Start("TwoTower.AppHost.dll", args);
        var ended = await process.ExitAsync();

        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("deploy/TwoTower.Deployment", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_argument_is_one_line_and_exit_code_2()
    {
        await using var process = TwotowerProcess.Start("TwoTower.AppHost.dll", ["--database", "cloud"]);
        var ended = await process.ExitAsync();

        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("--database 'cloud': choose one of container, local, connection-string", Assert.Single(ended.ErrorLines));
    }

    // Starts it, waits for a recommendation of a model, stops it, and looks that nothing is left of it.
    private async Task<string> RunAsync(CancellationToken ct)
    {
        // A mark that all processes of the run inherit.
        var mark = $"run-{Guid.NewGuid():N}";
        await using var run = TwotowerProcess.Start("TwoTower.AppHost.dll", ["--port", $"{_port}"], new Dictionary<string, string?>
        {
            // No engine answers, whatever the machine has, and what a person exported for twotower is for twotower.
            ["DOCKER_HOST"] = "unix:///nowhere/docker.sock",
            ["TWOTOWER_DATABASE"] = "Host=127.0.0.1;Port=1;Username=nobody;Database=nothing;Timeout=2",
            ["TWOTOWER_HOME"] = _home.Path,
            ["TWOTOWER_TEST_MARK"] = mark,
            ["TWOTOWER_RECIPE__TRAINING__EPOCHS"] = "2",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{_dashboard}",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://127.0.0.1:{FreePort.Next()}",
            ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://127.0.0.1:{FreePort.Next()}",
        });
        string model;
        using (var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{_port}") })
        {
            await run.LineAsync(line => line.StartsWith("database: this machine's PostgreSQL, since ", StringComparison.Ordinal));
            model = await ModelAsync(run, client, ct);
            var user = await UserAsync(ct);
            var answer = await client.GetFromJsonAsync<JsonElement>(new Uri($"/v1/users/{user}/recommendations?limit=5", UriKind.Relative), ct);
            Assert.Equal((model, 5), (answer.GetProperty("modelVersion").GetString(), answer.GetProperty("videos").GetArrayLength()));
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri($"http://127.0.0.1:{_dashboard}/login"), ct)).StatusCode);
        }

        Assert.NotEmpty(Marked(mark));
        run.Interrupt();
        var ended = await run.ExitAsync();
        Assert.True(ended.ExitCode == 0, $"exit code {ended.ExitCode}: {ended.Err}");
        while (Marked(mark).Count > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), ct);
        }

        return model;
    }

    private async Task<Guid> UserAsync(CancellationToken ct)
    {
        await using var data = NpgsqlDataSource.Create((await LocalPostgresServer.FindAsync(Own, ct))!.ConnectionString);
        await using var command = data.CreateCommand("select user_id from profiles order by user_id limit 1");
        return (Guid)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task<string> ModelAsync(TwotowerProcess run, HttpClient client, CancellationToken ct)
    {
        while (true)
        {
            Assert.False(run.HasEnded, "the AppHost ended by itself");
            try
            {
                using var response = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), ct);
                var health = await response.Content.ReadFromJsonAsync<JsonElement>(ct);
                if (health.GetProperty("checks").GetProperty("release").TryGetProperty("modelVersion", out var version)) return version.GetString()!;
            }
            catch (Exception e) when (e is HttpRequestException or JsonException)
            {
                // Not up yet, or only the orchestrator's proxy is.
            }

            await Task.Delay(TimeSpan.FromSeconds(1), ct);
        }
    }

    // The processes that have the mark in their environment, but for the database, which outlives a run.
    private static List<string> Marked(string mark)
    {
        List<string> found = [];
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                var command = File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
                if (File.ReadAllText(Path.Combine(process, "environ")).Contains(mark, StringComparison.Ordinal) && !command.Contains("postgres", StringComparison.Ordinal))
                {
                    found.Add(command);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is somebody else's.
            }
        }

        return found;
    }
}
