using System.Diagnostics;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.Deployment.Tests;

/// <summary>What `publish` writes, from the program itself in a process of its own, as a person or azd starts it.</summary>
public sealed class PublishTests : IDisposable
{
    private const string Secret = "Host=db.example;Username=app;Password=do-not-write-me";
    private readonly TemporaryFolder folder = new();
    private readonly TemporaryFolder home = new();

    public void Dispose()
    {
        folder.Dispose();
        home.Dispose();
    }

    [Fact]
    public async Task The_manifest_has_the_four_processes_and_the_connection_string_as_a_secret_to_ask_for()
    {
        var file = Path.Combine(folder.Path, "manifest.json");
        await RunAsync("--publisher", "manifest", "--output-path", file);
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        var resources = manifest.RootElement.GetProperty("resources");

        Assert.True(resources.GetProperty("twotower").GetProperty("inputs").GetProperty("value").GetProperty("secret").GetBoolean());
        foreach (var name in new[] { "migration", "trainer", "embedder", "api" })
        {
            var process = resources.GetProperty(name);
            Assert.StartsWith("project.v", process.GetProperty("type").GetString(), StringComparison.Ordinal);
            Assert.Equal("{twotower.connectionString}", process.GetProperty("env").GetProperty("ConnectionStrings__twotower").GetString());
        }

        Assert.True(resources.GetProperty("api").GetProperty("bindings").GetProperty("http").GetProperty("external").GetBoolean());
        Assert.False(resources.TryGetProperty("demo-data", out _));
        Assert.False(resources.TryGetProperty("pgweb", out _));
        Assert.Equal(["--allow-nothing"], resources.GetProperty("trainer").GetProperty("args").EnumerateArray().Select(item => item.GetString()));
        AssertNoSecret();
    }

    [Fact]
    public async Task In_the_manifest_migration_and_training_are_jobs_and_training_has_a_schedule()
    {
        await RunAsync("--publisher", "manifest", "--output-path", Path.Combine(folder.Path, "manifest.json"), "--schedule", "30 4 * * 1");

        Assert.Contains("Microsoft.App/jobs@", Bicep("migration"), StringComparison.Ordinal);
        Assert.Contains("Microsoft.App/jobs@", Bicep("trainer"), StringComparison.Ordinal);
        Assert.Contains("'30 4 * * 1'", Bicep("trainer"), StringComparison.Ordinal);
        Assert.Contains("Microsoft.App/containerApps@", Bicep("api"), StringComparison.Ordinal);
        Assert.Contains("Microsoft.App/containerApps@", Bicep("embedder"), StringComparison.Ordinal);

        string Bicep(string resource) => string.Concat(Directory
            .EnumerateFiles(folder.Path, $"{resource}*.bicep", SearchOption.AllDirectories).Select(File.ReadAllText));
    }

    [Fact]
    public async Task Compose_starts_the_services_after_the_migration_and_trains_in_a_loop()
    {
        await PublishAsync("--target", "compose");
        var services = Sections(Path.Combine(folder.Path, "docker-compose.yaml"), "services");

        Assert.Equal(["api", "compose-dashboard", "embedder", "migration", "trainer"], services.Keys.Order());
        foreach (var name in new[] { "api", "embedder", "trainer" })
        {
            Assert.Contains("condition: \"service_completed_successfully\"", services[name], StringComparison.Ordinal);
            Assert.Contains("restart: \"unless-stopped\"", services[name], StringComparison.Ordinal);
        }

        Assert.Contains("restart: \"no\"", services["migration"], StringComparison.Ordinal);
        Assert.Contains("- \"--wait\"\n      - \"60\"", services["migration"], StringComparison.Ordinal);
        Assert.Contains("- \"--every\"\n      - \"24h\"", services["trainer"], StringComparison.Ordinal);
        Assert.Contains("- \"8080:${API_PORT}\"", services["api"], StringComparison.Ordinal);
        Assert.All(services.Where(service => service.Key != "compose-dashboard"), service =>
            Assert.Contains("ConnectionStrings__twotower: \"${TWOTOWER}\"", service.Value, StringComparison.Ordinal));
        AssertNoSecret();
    }

    [Fact]
    public async Task Compose_can_bring_its_own_database_with_shared_memory_a_volume_and_a_password_to_ask_for()
    {
        await PublishAsync("--target", "compose", "--database", "container");
        var postgres = Sections(Path.Combine(folder.Path, "docker-compose.yaml"), "services")["postgres"];

        Assert.Contains("image: \"docker.io/pgvector/pgvector:0.8.", postgres, StringComparison.Ordinal);
        Assert.Contains("shm_size: \"1gb\"", postgres, StringComparison.Ordinal);
        Assert.Contains("POSTGRES_DB: \"twotower\"", postgres, StringComparison.Ordinal);
        Assert.Contains("POSTGRES_PASSWORD: \"${POSTGRES_PASSWORD}\"", postgres, StringComparison.Ordinal);
        Assert.Contains("source: \"twotower-postgres\"", postgres, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_GPU_is_asked_of_the_platform_only_for_cuda()
    {
        await PublishAsync("--target", "compose");
        Assert.DoesNotContain("nvidia", All(), StringComparison.Ordinal);

        await PublishAsync("--target", "compose", "--device", "cuda");
        Assert.Contains("nvidia.com/gpu=all", All(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kubernetes_migrates_before_the_rest_and_trains_by_the_clock()
    {
        await PublishAsync("--target", "kubernetes", "--schedule", "30 4 * * 1", "--device", "cuda");

        var migration = await TemplateAsync("migration", "job.yaml");
        Assert.Contains("kind: \"Job\"", migration, StringComparison.Ordinal);
        Assert.Contains("helm.sh/hook: \"pre-install,pre-upgrade\"", migration, StringComparison.Ordinal);
        Assert.Contains("restartPolicy: \"Never\"", migration, StringComparison.Ordinal);
        Assert.Contains("helm.sh/hook-weight: \"-5\"", await TemplateAsync("migration", "secrets.yaml"), StringComparison.Ordinal);

        var trainer = await TemplateAsync("trainer", "job.yaml");
        Assert.Contains("kind: \"CronJob\"", trainer, StringComparison.Ordinal);
        Assert.Contains("schedule: \"30 4 * * 1\"", trainer, StringComparison.Ordinal);
        Assert.Contains("concurrencyPolicy: \"Forbid\"", trainer, StringComparison.Ordinal);
        Assert.Contains("nvidia.com/gpu: \"1\"", trainer, StringComparison.Ordinal);

        var api = await TemplateAsync("api", "deployment.yaml");
        Assert.Contains("replicas: 2", api, StringComparison.Ordinal);
        Assert.Contains("path: \"/health/ready\"", api, StringComparison.Ordinal);
        Assert.DoesNotContain("scheme: \"http\"", api, StringComparison.Ordinal);
        Assert.Contains("kind: \"Deployment\"", await TemplateAsync("embedder", "deployment.yaml"), StringComparison.Ordinal);
        AssertNoSecret();
    }

    [Fact]
    public async Task A_database_in_the_chart_is_there_before_its_first_migration_and_outlives_its_pod()
    {
        await PublishAsync("--target", "kubernetes", "--database", "container");

        Assert.Contains("helm.sh/hook: \"post-install,pre-upgrade\"", await TemplateAsync("migration", "job.yaml"), StringComparison.Ordinal);
        var postgres = await TemplateAsync("postgres", "statefulset.yaml");
        Assert.Contains("persistentVolumeClaim", postgres, StringComparison.Ordinal);
        Assert.Contains("mountPath: \"/dev/shm\"", postgres, StringComparison.Ordinal);
    }

    private Task<string> TemplateAsync(string resource, string file) =>
        File.ReadAllTextAsync(Path.Combine(folder.Path, "templates", resource, file));

    private string All() => string.Concat(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Select(File.ReadAllText));

    private void AssertNoSecret() => Assert.DoesNotContain("do-not-write-me", All(), StringComparison.Ordinal);

    private Task PublishAsync(params string[] args) => RunAsync(["--operation", "publish", "--step", "publish", "--output-path", folder.Path, .. args]);

    private async Task RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TwoTower.Deployment.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Its value must be given and must not be written to the output. Aspire keeps it for the next deployment in the person's
        // home, so that is the test's own.
        start.Environment["ConnectionStrings__twotower"] = Secret;
        start.Environment["HOME"] = start.Environment["USERPROFILE"] = home.Path;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"publishing didn't end: {await output}{await errors}");
        }

        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {await output}{await errors}");
    }

    // The parts of a mapping's level, by name; the file is the publisher's, with two blanks a level.
    private static Dictionary<string, string> Sections(string file, string mapping)
    {
        Dictionary<string, string> sections = [];
        string? current = null, top = null;
        foreach (var line in File.ReadLines(file))
        {
            if (!line.StartsWith(' '))
            {
                top = line.TrimEnd(':');
            }
            else if (top == mapping && line.Length > 2 && line[2] != ' ')
            {
                current = line.Trim().TrimEnd(':');
                sections[current] = "";
            }
            else if (top == mapping && current is not null)
            {
                sections[current] += line + "\n";
            }
        }

        return sections;
    }
}
