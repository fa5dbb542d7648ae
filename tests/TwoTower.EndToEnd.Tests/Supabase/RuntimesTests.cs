using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Datasets.Generation;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;
using TwoTower.Training;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary>
/// The three ways to a user's vector: C# from rows, C# from what SQL gives, Deno from what SQL gives. For every user of the golden world
/// and of a made-up one, with trained releases, they give the same, and the edge functions the API's lists.
/// </summary>
[Collection(nameof(SupabaseProjects))]
public sealed class RuntimesTests(SupabaseServer server)
{
    [Theory]
    [InlineData("golden", "v2")]
    [InlineData("golden", "v3")]
    [InlineData("generated", "v2")]
    [InlineData("generated", "v3")]
    public async Task Vectors_embeddings_and_lists_are_the_same(string world, string recipe)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        var ct = TestContext.Current.CancellationToken;
        await using var database = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: true));
        var db = database.DataSource;
        await Migrator.MigrateAsync(db, null, ct);
        if (world == "golden") await TestReleases.LoadGoldenAsync(database);
        else
        {
            var made = CatalogueGenerator.Generate(new() { Users = 1_000, Videos = 400, Seed = 16, Anchor = DateTimeOffset.UtcNow });
            await new TableWriter(db).WriteAsync(made, null, ct);
        }

        var release = await ReleaseAsync(database, recipe, ct);
        var (asOf, tables) = (DateTimeOffset.UtcNow, await TableReader.ReadAsync(db, ct));
        asOf = asOf.AddTicks(-(asOf.Ticks % TimeSpan.TicksPerMicrosecond));

        // The payloads as the functions get them.
        var payloads = (await database.ListAsync<string>(
            $"""
            select jsonb_build_object('user_id', u.user_id, 'payload', c.payload)::text
            from (select user_id from profiles union select user_id from user_video_decisions) u, two_tower.serving_context(u.user_id, '{asOf:O}', null) c
            where c.payload is not null order by u.user_id
            """)).Select(text => JsonElement.Parse(text)).ToDictionary(row => row.GetProperty("user_id").GetGuid(), row => row.GetProperty("payload"));
        Assert.InRange(payloads.Count, world == "golden" ? 40 : 900, 1_000);

        var files = await new ReleaseStore(db).OpenAsync(release.ModelVersion, ct);
        var deno = await EdgeProcess.RunAsync(tools!, "embed.ts", JsonSerializer.Serialize(new
        {
            files = files.Files.ToDictionary(file => file.Path, file => Convert.ToBase64String(file.Content)),
            as_of = asOf.ToString("O"),
            payloads = payloads.Values,
        }));
        var pool = recipe == "v3" ? await (await ReleaseVectors.OpenAsync(db, release, ct)).ReadHistoriesAsync(ct) : null;
        var histories = PayloadBuilder.Histories(tables).ToDictionary(history => history.UserId);
        var encoder = FeatureFiles.ReadEncoder(files, FeatureSide.User);
        using var tower = UserTower.FromFiles(files);
        var vector = new float[encoder.Dim];
        foreach (var (n, (user, payload)) in payloads.Index())
        {
            var rows = PayloadBuilder.BuildUser(histories[user], asOf) with { History = pool?.Pool(histories[user], asOf) };
            foreach (var one in new[] { rows, UserPayload.Parse(payload.GetRawText()) })
            {
                encoder.Encode(one, asOf, vector);
                Close(vector, deno.GetProperty("vectors")[n], 1e-6);
                Close(tower.Encode(one, asOf), deno.GetProperty("embeddings")[n], 1e-5);
            }
        }

        await using var standIn = new SupabaseStandIn(database);
        await using var edge = await EdgeProcess.StartAsync(tools!, new Dictionary<string, string?>
        {
            ["SUPABASE_URL"] = standIn.Url,
            ["SUPABASE_SECRET_KEYS"] = JsonSerializer.Serialize(new { @default = SupabaseStandIn.SecretKey }),
        });
        edge.Http.DefaultRequestHeaders.Add("apikey", SupabaseStandIn.SecretKey);
        using var service = new RecommendationService(
            db, new TowerCache(new ReleaseStore(db), capacity: 2), Options.Create(new RecommendationOptions()));
        var four = new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct };
        await Parallel.ForEachAsync(payloads.Keys, four, async (user, ct) =>
        {
            using var response = await edge.Http.PostAsJsonAsync("recommend", new { user_id = user, limit = 20 }, ct);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(ct);
            var expected = await service.RecommendAsync(new(user, 20, false, new()), answer.GetProperty("asOf").GetDateTimeOffset(), ct);
            Assert.Equal(release.ModelVersion, answer.GetProperty("modelVersion").GetString());
            Assert.Equal(
                expected.Videos.Select(video => video.Video.Id),
                answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
        });
    }

    private static async Task<Release> ReleaseAsync(TestDatabase database, string name, CancellationToken ct)
    {
        var db = database.DataSource;
        string[] small = name == "v2" ? ["training.epochs=2"] : ["history.factors=16", "history.sweeps=2", "training.epochs=2"];
        var recipe = RecipeReader.Read(name, small, new Dictionary<string, string>());
        var trained = await Task.Run(
            () => TrainJob.RunAsync(new TrainOptions { Recipe = recipe, Database = db, Device = TrainingDevice.Cpu }, null, ct), ct);
        var store = new ReleaseStore(db);
        var version = trained.Release!.ModelVersion;
        await new EmbedJob(db, TimeProvider.System).RunAsync(version, new EmbedOptions { SyncPublicTable = false, Actor = "test" }, null, ct);
        await store.ActivateAsync(version, "test", null, ct);
        return await store.GetAsync(version, ct);
    }

    private static void Close(float[] expected, JsonElement actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.GetArrayLength());
        foreach (var (i, value) in actual.EnumerateArray().Index())
        {
            Assert.InRange(Math.Abs(expected[i] - value.GetDouble()), 0, tolerance * Math.Max(1, Math.Abs(expected[i])));
        }
    }
}
