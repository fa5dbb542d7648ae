using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>The life of releases by their verbs, as an operator types them.</summary>
public sealed class ReleasesVerbsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task Releases_are_verified_rolled_back_exported_retired_and_imported_again()
    {
        await _workplace.ImportGoldenAsync();
        var one = await _workplace.ReleaseAsync();
        var two = await _workplace.ReleaseAsync("--seed", "7", "--fresh");

        var verified = await _workplace.JsonAsync("releases", "verify", two);
        Assert.True(verified.GetProperty("passed").GetBoolean());
        Assert.Equal(
            ["files", "weights", "networks", "probes", "vectors", "agreement", "quality"],
            verified.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()));
        Assert.Equal(one, (await _workplace.JsonAsync("releases", "rollback", "--reason", "a test")).GetProperty("model_version").GetString());

        var bundle = _workplace.PathOf("bundle");
        Assert.Equal(two, (await _workplace.JsonAsync("releases", "export", bundle, "--release", two)).GetProperty("model_version").GetString());
        Assert.Contains("probes.json", Directory.EnumerateFiles(bundle).Select(Path.GetFileName));
        Assert.True((await _workplace.JsonAsync("releases", "pin", two)).GetProperty("pinned").GetBoolean());
        Assert.Contains("is pinned", Assert.Single((await _workplace.TryAsync("releases", "retire", two)).ErrorLines));
        Assert.False((await _workplace.JsonAsync("releases", "unpin", two)).GetProperty("pinned").GetBoolean());
        Assert.Equal(one, (await _workplace.JsonAsync("releases", "activate", two)).GetProperty("previous").GetString());
        Assert.Equal(two, (await _workplace.JsonAsync("releases", "activate", one)).GetProperty("previous").GetString());
        Assert.Equal(
            [(two, "ready"), (one, "active")],
            (await _workplace.JsonAsync("releases", "list")).EnumerateArray().Select(release => (release.GetProperty("model_version").GetString()!, release.GetProperty("state").GetString()!)));
        Assert.True((await _workplace.JsonAsync("releases", "retire", two)).GetProperty("vectors_dropped").GetBoolean());
        var shown = await _workplace.JsonAsync("releases", "show", two);
        Assert.Equal("retired", shown.GetProperty("release").GetProperty("state").GetString());
        Assert.Equal(
            [null, "trained", "embedding", "ready", "active", "ready", "active", "ready"],
            shown.GetProperty("history").EnumerateArray().Select(step => step.GetProperty("from").GetString()));
        Assert.NotEqual(0, shown.GetProperty("gate_runs").GetArrayLength());
        Assert.All(shown.GetProperty("history").EnumerateArray(), step =>
        {
            Assert.NotEmpty(step.GetProperty("actor").GetString()!);
            Assert.NotEmpty(step.GetProperty("reason").GetString()!);
        });

        var plan = await _workplace.RunAsync("releases", "prune", "--keep", "1", "--dry-run");
        Assert.Contains($"would free {two}: 0 B of vectors, ", plan.Out);
        var pruned = await _workplace.JsonAsync("releases", "prune", "--keep", "1");
        Assert.Empty(pruned.GetProperty("retired").EnumerateArray());
        Assert.True(Assert.Single(pruned.GetProperty("freed").EnumerateArray()).GetProperty("file_bytes").GetInt64() > 10_000);
        Assert.All((await _workplace.JsonAsync("releases", "show", two)).GetProperty("files").EnumerateArray(), file => Assert.True(file.GetProperty("freed").GetBoolean()));

        // What is retired stays so in this database; in another one the bundle becomes a release that the gate passes.
        await using var elsewhere = await Workplace.CreateAsync(postgres);
        await elsewhere.ImportGoldenAsync();
        var imported = await elsewhere.JsonAsync("releases", "import", bundle, "--activate");
        Assert.Equal((two, true), (imported.GetProperty("model_version").GetString(), imported.GetProperty("activated").GetBoolean()));
        foreach (string[] again in (string[][])[["releases", "import", bundle], ["embed", "--release", two]])
        {
            Assert.EndsWith("; it is active", (await elsewhere.RunAsync(again)).Out.TrimEnd(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_release_that_does_not_pass_ends_verify_with_1_and_the_reason()
    {
        await _workplace.ImportGoldenAsync();
        var version = await _workplace.ReleaseAsync();
        var table = await _workplace.Database.ScalarAsync<string>("select 'two_tower.video_embeddings_' || release_id from two_tower.active_release");
        await _workplace.Database.ExecuteAsync($"delete from {table} where video_id = (select min(video_id::text)::uuid from {table})");
        var result = await _workplace.TryAsync("releases", "verify", version);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{version} does not pass the gate: 1 of ", result.Out);
        Assert.Contains("nothing to roll back to", Assert.Single((await _workplace.TryAsync("releases", "rollback")).ErrorLines));
    }
}
