using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A database and a state folder for one test, and <c>twotower</c> run on them.</summary>
public sealed class Workplace : IAsyncDisposable
{
    private readonly Dictionary<string, string?> _environment;

    private Workplace(TestDatabase database)
    {
        Database = database;
        Home = Directory.CreateTempSubdirectory("twotower-test-").FullName;
        _environment = new() { ["TWOTOWER_HOME"] = Home, ["TWOTOWER_DATABASE"] = database.ConnectionString };
    }

    public TestDatabase Database { get; }

    public string Home { get; }

    public static async Task<Workplace> CreateAsync(PostgresFixture postgres) => new(await postgres.CreateDatabaseAsync());

    /// <summary>What the verbs find in their environment.</summary>
    public IDictionary<string, string?> Environment => _environment;

    public string PathOf(string name) => Path.Combine(Home, name);

    /// <summary>Starts a verb.</summary>
    public TwotowerProcess Start(params string[] args) => TwotowerProcess.Start(args, _environment);

    /// <summary>Runs a verb, however it ends.</summary>
    public async Task<TwotowerResult> TryAsync(params string[] args)
    {
        await using var process = Start(args);
        return await process.ExitAsync();
    }

    /// <summary>Runs a verb that must succeed.</summary>
    public async Task<TwotowerResult> RunAsync(params string[] args)
    {
        var result = await TryAsync(args);
        Assert.True(result.ExitCode == 0, $"twotower {string.Join(' ', args)} ended with {result.ExitCode}:\n{result.Out}\n{result.Err}");
        return result;
    }

    /// <summary>Runs a verb with --json and reads its answer.</summary>
    public async Task<JsonElement> JsonAsync(params string[] args) => JsonDocument.Parse((await RunAsync([.. args, "--json"])).Out).RootElement;

    /// <summary>The golden world, loaded.</summary>
    public Task ImportGoldenAsync() => RunAsync("import", "csv", Golden.Folder);

    /// <summary>A small made-up world, loaded.</summary>
    public Task GenerateAsync(int viewers = 150, int videos = 250) =>
        RunAsync("generate", "--viewers", $"{viewers}", "--videos", $"{videos}", "--seed", "7");

    /// <summary>A quick training and embedding; the release is active after it.</summary>
    public async Task<string> ReleaseAsync(params string[] trainArgs)
    {
        var trained = await JsonAsync(["train", "--epochs", "2", "--set", "training.batch_size=512", .. trainArgs]);
        await RunAsync("embed", "--activate");
        return trained.GetProperty("model_version").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Directory.Delete(Home, recursive: true);
    }
}
