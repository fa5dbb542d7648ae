using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;
using TwoTower.Training;

namespace TwoTower.Benchmarks.Serving;

/// <summary>
/// The edge functions with a release of recipe v2, one of v3, and one whose user tower is another program's and runs in ONNX Runtime. Each
/// run is a process of its own: what it took is the system's count of it.
/// </summary>
/// <param name="requests">Requests that are counted, after 100 that warm up.</param>
internal sealed class EdgeBenchmark(NpmTools tools, TestDatabase project, int requests, int runs)
{
    private const int Warming = 100;

    /// <summary>Makes a world and its releases, and writes a table to standard output.</summary>
    public async Task RunAsync(int users, int videos, CancellationToken ct)
    {
        var db = project.DataSource;
        await Migrator.MigrateAsync(db, null, ct);
        var tables = CatalogueGenerator.Generate(new() { Users = users, Videos = videos, Seed = 16, Anchor = DateTimeOffset.UtcNow });
        await new TableWriter(db).WriteAsync(tables, null, ct);
        await new VideoStatistics(db).RefreshAsync(ct);
        Guid[] viewers = [.. tables.Decisions.Where(one => one.Type == DecisionType.Like).Select(one => one.UserId).Distinct()];
        (string Name, string Version)[] releases =
        [
            ("v2", await TrainAsync("v2", ct)), ("v3", await TrainAsync("v3", ct)), ("another program's", ""),
        ];
        releases[2].Version = await ForeignAsync(releases[0].Version, ct);

        await using var standIn = new SupabaseStandIn(project);
        await UploadRuntimeAsync(standIn, ct);
        await MeasureAsync(standIn, viewers, ct); // Deno keeps what it compiled
        Console.WriteLine("| release | CPU to the first answer, s | of it to start, s | CPU of a request, ms | peak memory, MB |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var (name, version) in releases)
        {
            await new ReleaseStore(db).ActivateAsync(version, "benchmark", null, ct);
            List<Run> measured = [];
            for (var run = 0; run < runs; run++) measured.Add(await MeasureAsync(standIn, viewers, ct));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {Median(measured, run => run.First):0.00} | {Median(measured, run => run.Start):0.00} | "
                + $"{1000 * Median(measured, run => run.Request):0.0} | {Median(measured, run => run.PeakMegabytes):0} |"));
        }
    }

    private async Task<Run> MeasureAsync(SupabaseStandIn standIn, Guid[] viewers, CancellationToken ct)
    {
        await using var edge = await EdgeProcess.StartAsync(tools, new Dictionary<string, string?>
        {
            ["SUPABASE_URL"] = standIn.Url,
            ["SUPABASE_SECRET_KEYS"] = JsonSerializer.Serialize(new { @default = SupabaseStandIn.SecretKey }),
        });
        edge.Http.DefaultRequestHeaders.Add("apikey", SupabaseStandIn.SecretKey);
        var random = new Random(1);
        var start = edge.CpuSeconds;
        await AskAsync(1);
        var first = edge.CpuSeconds;
        await AskAsync(Warming - 1);
        var warm = edge.CpuSeconds;
        await AskAsync(requests);
        return new(start, first, (edge.CpuSeconds - warm) / requests, edge.PeakMegabytes);

        async Task AskAsync(int count)
        {
            for (var n = 0; n < count; n++)
            {
                using var answer = await edge.Http.PostAsJsonAsync("recommend", new { user_id = viewers[random.Next(viewers.Length)], limit = 20 }, ct);
                if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync(ct)}\n{edge.Log}");
            }
        }
    }

    private async Task<string> TrainAsync(string name, CancellationToken ct)
    {
        var recipe = RecipeReader.Read(name, ["training.epochs=2"], new Dictionary<string, string>());
        var how = new TrainOptions { Recipe = recipe, Database = project.DataSource, Device = TrainingDevice.Cpu };
        var trained = await Task.Run(() => TrainJob.RunAsync(how, null, ct), ct);
        var version = trained.Release!.ModelVersion;
        var options = new EmbedOptions { SyncPublicTable = false, Actor = "benchmark", Activate = true };
        await new EmbedJob(project.DataSource, TimeProvider.System).RunAsync(version, options, null, ct);
        return version;
    }

    // As large as the release's own, of operators that the small reader doesn't have; random, since only time counts.
    private async Task<string> ForeignAsync(string like, CancellationToken ct)
    {
        var store = new ReleaseStore(project.DataSource);
        var own = await store.OpenAsync(like, ct);
        var schema = FeatureFiles.ReadEncoder(own, FeatureSide.User).Schema;
        var tower = ForeignTowers.Write("layers", TestCheckpoints.Tower(new(1), [schema.InputDim, 512, 256, schema.EmbeddingDim]), schema.InputName);
        ReleaseFileSet files = new("foreign",
        [
            .. own.Files.Where(file => file.Path is not ArtifactNames.Probes)
                .Select(file => file.Path == ArtifactNames.UserTower ? new ReleaseFile(file.Path, tower) : file),
        ]);
        var release = await store.RegisterAsync("foreign-1", files, null, null, imported: true, VectorType.Vector, "benchmark", ct);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "benchmark", null, ct);
        await TestReleases.FillAsync(project, release, files);
        await TestReleases.PassGateAsync(project, release.ModelVersion);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "benchmark", null, ct);
        return release.ModelVersion;
    }

    private async Task UploadRuntimeAsync(SupabaseStandIn standIn, CancellationToken ct)
    {
        standIn.Storage.Make("model-artifacts");
        using var http = new HttpClient { BaseAddress = new(standIn.Url) };
        http.DefaultRequestHeaders.Add("apikey", SupabaseStandIn.SecretKey);
        var wasm = await File.ReadAllBytesAsync(tools.PathOf("onnxruntime-web", "dist", "ort-wasm-simd-threaded.wasm"), ct);
        using var answer = await http.PostAsync(
            "storage/v1/object/model-artifacts/runtime/onnxruntime-web-1.30.0/ort-wasm-simd-threaded.wasm", new ByteArrayContent(wasm), ct);
        answer.EnsureSuccessStatusCode();
    }

    private static double Median(List<Run> measured, Func<Run, double> of) => measured.Select(of).Order().ElementAt(measured.Count / 2);

    private readonly record struct Run(double Start, double First, double Request, double PeakMegabytes);
}
