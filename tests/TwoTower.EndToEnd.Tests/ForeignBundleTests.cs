using System.Text.Json.Nodes;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A bundle laid out as the contract says and made by another program: no item tower, its own name for the input.</summary>
public sealed class ForeignBundleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task It_is_verified_its_vectors_are_loaded_and_it_is_served_with_the_same_answers()
    {
        var bundle = await ForeignAsync();
        var viewer = await _workplace.Database.ScalarAsync<Guid>(
            "select user_id from user_video_decisions where decision_type = 'like' group by user_id order by count(*) desc, user_id limit 1");
        var ours = (await _workplace.JsonAsync("recommend", $"{viewer}")).GetProperty("videos").EnumerateArray().Select(v => v.GetProperty("video_id").GetGuid()).ToList();

        await using var server = await ServerProcess.StartAsync(_workplace, "--artifacts", bundle);
        var answer = await server.GetAsync($"/v1/users/{viewer}/recommendations?limit=10");

        Assert.Equal("made-elsewhere-1", answer.GetProperty("modelVersion").GetString());
        Assert.Equal(ours, answer.GetProperty("videos").EnumerateArray().Select(v => v.GetProperty("videoId").GetGuid()));
    }

    [Fact]
    public async Task Serving_it_again_reuses_what_was_loaded()
    {
        var bundle = await ForeignAsync();
        await (await ServerProcess.StartAsync(_workplace, "--artifacts", bundle)).DisposeAsync();
        await (await ServerProcess.StartAsync(_workplace, "--artifacts", bundle)).DisposeAsync();

        Assert.Equal(1, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.releases where model_version = 'made-elsewhere-1'"));
    }

    [Theory]
    [InlineData("user_tower.onnx")]
    [InlineData("vocab_tag.json")]
    [InlineData("video_embeddings.parquet")]
    public async Task A_missing_or_changed_file_is_refused_by_name_and_the_old_release_stays(string file)
    {
        var bundle = await ForeignAsync();
        var before = await ActiveAsync();
        var path = Path.Combine(bundle, file);

        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var changed = await _workplace.TryAsync("serve", "--artifacts", bundle, "--port", $"{FreePort.Next()}");
        File.Delete(path);
        var missing = await _workplace.TryAsync("serve", "--artifacts", bundle, "--port", $"{FreePort.Next()}");

        foreach (var result in new[] { changed, missing })
        {
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(file, Assert.Single(result.ErrorLines));
        }

        Assert.Equal(before, await ActiveAsync());
    }

    [Fact]
    public async Task A_segment_type_that_nobody_knows_is_refused_by_name()
    {
        var bundle = await ForeignAsync();
        var path = Path.Combine(bundle, "feature_schema.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("scaled_bucket", "crystal_ball", StringComparison.Ordinal));
        await _workplace.RunAsync("manifest", "build", bundle);

        var result = await _workplace.TryAsync("serve", "--artifacts", bundle, "--port", $"{FreePort.Next()}");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("crystal_ball", Assert.Single(result.ErrorLines));
    }

    private async Task<string> ForeignAsync()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.ReleaseAsync("--recipe", "v2");
        var bundle = _workplace.PathOf("bundle");
        await _workplace.RunAsync("export", bundle);
        foreach (var ours in new[] { "item_tower.onnx", "item_feature_schema.json", "metrics.json", "manifest.json" }) File.Delete(Path.Combine(bundle, ours));

        // What the original's configuration looks like is its own business.
        var meta = Path.Combine(bundle, "model_meta.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(meta))!.AsObject();
        json["config"] = new JsonObject { ["embedding_dim"] = 256, ["use_rpc_features"] = true };
        await File.WriteAllTextAsync(meta, json.ToJsonString());
        await _workplace.RunAsync("manifest", "build", bundle, "--model-version", "made-elsewhere-1");
        return bundle;
    }

    private Task<string> ActiveAsync() => _workplace.Database.ScalarAsync<string>(
        "select model_version from two_tower.active_release join two_tower.releases using (release_id)");
}
