using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Benchmarks.Embedding;

/// <summary>
/// Changes videos under running embedders, with random towers of the contract's shape, and waits until every release has other vectors of
/// all of them.
/// </summary>
internal sealed class FollowingBenchmark(NpgsqlDataSource db, int videos, int changes, int releases)
{
    private static readonly EmbedOptions Embedding = new() { SyncPublicTable = false };

    public async Task RunAsync(int replicas, int rounds, CancellationToken ct)
    {
        var (tables, registered) = await PrepareAsync(ct);
        var ids = tables.Videos.Select(video => video.Id).ToArray();
        var workers = Enumerable.Range(0, replicas).Select(_ => new EmbedderWorker(
            db, Options.Create(new EmbedderOptions { Embedding = Embedding }), TimeProvider.System, NullLogger<EmbedderWorker>.Instance))
                .ToList();
        foreach (var worker in workers) await worker.StartAsync(ct);
        await Task.Delay(TimeSpan.FromSeconds(5), ct); // triggers, the first sweep

        Console.WriteLine($"{videos:N0} videos, {changes:N0} of them changed by one statement, {releases} releases, {replicas} embedders, {Environment.ProcessorCount} cores\n");
        Console.WriteLine("| round | statement, ms | in the active release, ms | in every release, ms |\n| ---: | ---: | ---: | ---: |");
        var random = new Random(1);
        for (var round = 1; round <= rounds; round++)
        {
            random.Shuffle(ids);
            var changed = ids[..changes];
            var statement = Stopwatch.StartNew();
            await ExecuteAsync("update public.videos set price = price + 7 where id = any ($1)", changed, ct);
            statement.Stop();
            var since = Stopwatch.StartNew();
            var active = await WaitAsync(registered[^1..], changed, round, since, ct);
            var all = await WaitAsync(registered, changed, round, since, ct);
            foreach (var release in registered)
            {
                await ExecuteAsync(
                    $"update public.was_{release.Id} w set feature_hash = e.feature_hash from {release.Table} e where e.video_id = w.video_id and w.video_id = any ($1)", changed, ct);
            }

            Console.WriteLine($"| {round} | {statement.ElapsedMilliseconds} | {active} | {all} |");
        }

        foreach (var worker in workers)
        {
            await worker.StopAsync(ct);
            worker.Dispose();
        }
    }

    private async Task<(TableSet Tables, Release[] Releases)> PrepareAsync(CancellationToken ct)
    {
        var tables = BenchmarkCatalogue.Create(videos);
        await new TableWriter(db).WriteAsync(tables, null, ct);
        var items = PayloadBuilder.BuildItems(tables);
        var users = PayloadBuilder.BuildUsers(tables, BenchmarkCatalogue.Now);
        var pipeline = FeaturePipeline.Fit(new(), items, users, items, BenchmarkCatalogue.Now);
        var registered = new List<Release>();
        for (var seed = 1; seed <= releases; seed++)
        {
            var random = new Random(seed);
            var checkpoint = new Checkpoint
            {
                Recipe = new Recipe(),
                Pipeline = pipeline.State,
                User = BenchmarkCatalogue.Tower(random, [pipeline.UserDim, 512, 256, 256]),
                Item = BenchmarkCatalogue.Tower(random, [pipeline.ItemDim, 512, 256, 256]),
                Training = new(0, 0, 0, 0, 0, 0, 0, []),
            };
            registered.Add(await new ReleaseStore(db).RegisterAsync(
                ReleaseFiles.Build(checkpoint, BenchmarkCatalogue.Now.AddMinutes(seed)), checkpoint.Recipe, ct: ct));
            await new EmbedJob(db, TimeProvider.System).RunAsync(registered[^1].ModelVersion, Embedding with { Activate = true }, ct: ct);
        }

        // What a vector was of, to see when it is another.
        foreach (var release in registered)
        {
            await ExecuteAsync($"create table public.was_{release.Id} as select video_id, feature_hash from {release.Table}", null, ct);
            await ExecuteAsync($"create unique index on public.was_{release.Id} (video_id)", null, ct);
        }

        return (tables, [.. registered]);
    }

    private async Task<long> WaitAsync(Release[] wanted, Guid[] changed, int round, Stopwatch since, CancellationToken ct)
    {
        foreach (var release in wanted)
        {
            while (true)
            {
                await using var command = db.CreateCommand(
                    $"select count(*) from {release.Table} e join public.was_{release.Id} w using (video_id) where video_id = any ($1) and e.feature_hash <> w.feature_hash");
                command.Parameters.Add(new() { Value = changed });
                if ((long)(await command.ExecuteScalarAsync(ct))! == changed.Length) break;
                if (since.Elapsed > TimeSpan.FromMinutes(5)) throw new TimeoutException($"round {round}: release {release.ModelVersion} doesn't follow");
                await Task.Delay(100, ct); // looking costs the same cores
            }
        }

        return since.ElapsedMilliseconds;
    }

    private async Task ExecuteAsync(string sql, Guid[]? ids, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        if (ids is not null) command.Parameters.Add(new() { Value = ids });
        await command.ExecuteNonQueryAsync(ct);
    }
}
