using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>A bundle of another program at the edge: ONNX Runtime, from Storage, runs what the small reader doesn't know.</summary>
public sealed class EdgeForeignTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private const string Wasm = "storage/v1/object/model-artifacts/runtime/onnxruntime-web-1.30.0/ort-wasm-simd-threaded.wasm";
    private static readonly Guid User = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;

    [Theory]
    [InlineData("dense", "random")]
    [InlineData("layers", "random")]
    [InlineData("form", "random")]
    [InlineData("dense", "histories")]
    public async Task Embeddings_and_lists_are_those_of_the_api(string foreign, string kind)
    {
        await using var edge = await Edge.StartAsync(server, kind, foreign: foreign);
        await UploadAsync(edge, await WasmAsync());
        var db = edge.Database.DataSource;
        using var tower = UserTower.FromFiles(await new ReleaseStore(db).OpenAsync(edge.Version));
        using var service = new RecommendationService(
            db, new TowerCache(new ReleaseStore(db), capacity: 4), Options.Create(new RecommendationOptions()));
        var users = Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Take(20).Select(user => user.UserId).ToList();
        var furthest = new ConcurrentBag<double>();
        await Parallel.ForEachAsync(users, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (user, ct) =>
        {
            var answer = await edge.AskAsync("embed-user", SupabaseStandIn.SecretKey, new { user_id = user });
            var context = await RequestContext.ReadAsync(db, user, answer.GetProperty("asOf").GetDateTimeOffset(), ct);
            var embedding = answer.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle());
            furthest.Add(tower.Encode(context.Payload!, context.AsOf).Zip(embedding).Max(pair => Math.Abs(pair.First - pair.Second)));
            var list = await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user, limit = 10 });
            var expected = await service.RecommendAsync(new(user, 10, false, new()), list.GetProperty("asOf").GetDateTimeOffset(), ct);
            Assert.Equal(
                expected.Videos.Select(video => video.Video.Id),
                list.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
        });
        Assert.InRange(furthest.Max(), 0, 1e-5);
        Assert.Equal(20, furthest.Count);
        Assert.Single(edge.StandIn.Requests, request => request.Method == "GET" && request.Path == $"/{Wasm}");
        Assert.Contains("runs in ONNX Runtime", edge.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_runtime_the_answer_says_what_to_do_and_the_release_is_not_at_fault()
    {
        await using var edge = await Edge.StartAsync(server, foreign: "dense");
        var wasm = await WasmAsync();
        var elsewhere = wasm.ToArray();
        elsewhere[^1] ^= 1;
        const string Command = "twotower upload runtime FILE";
        await RefusedAsync("isn't there", Command); // no bucket
        edge.StandIn.Storage.Make("model-artifacts");
        await RefusedAsync("isn't there", Command);
        foreach (var damaged in new[] { wasm[..^1000], elsewhere, [] })
        {
            await UploadAsync(edge, damaged);
            await RefusedAsync("has the SHA-256 ", Command);
        }

        await UploadAsync(edge, wasm);
        foreach (var fault in new StandInFault[]
        {
            new(0), new(500, "<html>"), new(403, """{"statusCode": "403", "message": "no"}"""), new(200, "ab") { Break = StandInBreak.Cut },
        })
        {
            edge.StandIn.Intercept = request =>
                Task.FromResult(request.Path.StartsWith("/storage/", StringComparison.Ordinal) ? fault : null);
            await RefusedAsync("can't be fetched", "try again");
        }

        edge.StandIn.Intercept = null;
        Assert.Equal(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User }));
        Assert.Equal(0L, await edge.Database.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, edge.Log, StringComparison.Ordinal);

        async Task RefusedAsync(params string[] named)
        {
            using var response = await edge.SendAsync(
                HttpMethod.Post, "recommend", SupabaseStandIn.SecretKey, JsonSerializer.Serialize(new { user_id = User }));
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal((503, "urn:twotower:problem:runtime-away"), ((int)response.StatusCode, problem.GetProperty("type").GetString()));
            var detail = problem.GetProperty("detail").GetString()!;
            foreach (var part in named.Append("model-artifacts").Append(Wasm[Wasm.IndexOf("runtime/", StringComparison.Ordinal)..]))
            {
                Assert.Contains(part, detail, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task An_experiments_users_get_the_active_release_where_only_the_experiments_needs_a_runtime()
    {
        await using var edge = await Edge.StartAsync(server);
        var second = await TestReleases.ReadyAsync(
            edge.Database, TestCheckpoints.Random(seed: 7), Golden.AsOf.AddDays(1), foreign: "dense");
        await edge.Database.ExecuteAsync($"select two_tower.start_experiment('taste', '{second.ModelVersion}', 0.999999, null, 'test', null)");
        Assert.Equal(edge.Version, await VersionAsync(edge));
        Assert.Contains("isn't there: put it there", edge.Log, StringComparison.Ordinal);
        await UploadAsync(edge, await WasmAsync());
        Assert.Equal(second.ModelVersion, await VersionAsync(edge));
        Assert.Equal(0L, await edge.Database.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
    }

    [Fact]
    public async Task A_network_that_no_runtime_can_run_is_the_releases_fault()
    {
        await using var edge = await Edge.StartAsync(server, foreign: "strange");
        await UploadAsync(edge, await WasmAsync());
        Assert.Equal(
            (503, "urn:twotower:problem:no-usable-release"),
            await edge.ProblemAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User }));
        await edge.UntilAsync("count(*) = 1 from two_tower.serving_faults where kind = 'failed'");
    }

    [Fact]
    public async Task A_network_of_ten_megabytes_fits_into_a_functions_memory()
    {
        await using var edge = await Edge.StartAsync(server, foreign: "large");
        Assert.Equal(edge.Version, await VersionAsync(edge));
        Assert.DoesNotContain(edge.StandIn.Requests, request => request.Path.StartsWith("/storage/", StringComparison.Ordinal));
        Assert.SkipWhen(!OperatingSystem.IsLinux(), "what a process took is read from /proc, which Linux has");
        Assert.InRange(edge.Process.PeakMegabytes, 1, 256);
    }

    private static async Task<byte[]> WasmAsync() =>
        await File.ReadAllBytesAsync((await Edge.ToolsAsync()).PathOf("onnxruntime-web", "dist", "ort-wasm-simd-threaded.wasm"));

    // As 'twotower upload runtime' does, which has a test of its own.
    private static async Task UploadAsync(Edge edge, byte[] wasm)
    {
        edge.StandIn.Storage.Make("model-artifacts");
        using var http = new HttpClient { BaseAddress = new(edge.StandIn.Url) };
        using var request = new HttpRequestMessage(HttpMethod.Post, Wasm) { Content = new ByteArrayContent(wasm) };
        request.Headers.Add("apikey", SupabaseStandIn.SecretKey);
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<string?> VersionAsync(Edge edge) =>
        (await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = User })).GetProperty("modelVersion").GetString();
}
