using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Npgsql;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Web;

namespace TwoTower.Benchmarks.Serving;

/// <summary>
/// Closed-loop clients over HTTP against a Kestrel in this process: what a client sees, the stages as the API's own metrics tell them, and
/// in the same run the SQL of the search by itself. Client, API and Postgres share the machine's cores.
/// </summary>
internal sealed class ServingBenchmark(NpgsqlDataSource db, string connectionString, ServingWorld world, int requests)
{
    private const int Limit = 20;
    private readonly Percentiles _times = new();

    public async Task RunAsync(int[] clients, CancellationToken ct)
    {
        using var listener = Listen();
        await using var api = ApiApplication.Create(["--urls", "http://127.0.0.1:0"], builder => builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["ConnectionStrings:twotower"] = connectionString,
                ["Logging:LogLevel:Default"] = "Warning",
                ["TwoTower:Api:StatisticsRefreshSeconds"] = "0",
            }));
        await api.StartAsync(ct);
        using var http = new HttpClient { BaseAddress = new Uri(api.Urls.Single()) };
        var embeddings = await EncodeAsync(ct);

        Console.WriteLine("| what | clients | requests | p50 ms | p99 ms | per second |\n| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (var count in clients)
        {
            await LoadAsync(count, Math.Min(requests, 500), (i, _) => RequestAsync(http, i, ct));
            var elapsed = await LoadAsync(count, requests, (i, _) => RequestAsync(http, i, ct));
            Console.WriteLine(_times.Row("request over HTTP", "request", count, elapsed));
            foreach (var stage in new[] { "features", "tower", "search", "rank" }) Console.WriteLine(_times.Row($"— {stage}", stage, count, elapsed));

            var candidates = new RecommendationOptions().Candidates(Limit);
            foreach (var (label, sql) in new[]
            {
                ($"bare SQL: {candidates} nearest vectors by the index", BareSql(candidates)),
                ("two_tower.search_videos (filters, seen left out)",
                    "select count(*) from two_tower.search_videos($1, $2, null, 1, null, null, null, $4, $3)"),
                ("two_tower.nearest_videos (and what is shown)",
                    "select * from two_tower.nearest_videos($1, $2, 1, null, null, null, $4, $3)"),
            })
            {
                await LoadAsync(count, Math.Min(requests, 200), (i, _) => SearchAsync(sql, embeddings, i, candidates, ct));
                elapsed = await LoadAsync(count, requests, (i, _) => SearchAsync(sql, embeddings, i, candidates, ct));
                Console.WriteLine(_times.Row(label, "sql", count, elapsed));
            }
        }

        await api.StopAsync(ct);
    }

    private string BareSql(int candidates) =>
        // One statement and one transaction, as the search has it: settings, then the index.
        $"""
        select set_config('hnsw.ef_search', greatest(40, {2 * candidates})::text, true), set_config('jit', 'off', true);
        select video_id from {world.Release.Table} order by embedding <#> $1::vector limit $2
        """;

    private async Task<List<(float[] Embedding, Guid User)>> EncodeAsync(CancellationToken ct)
    {
        using var tower = UserTower.FromFiles(await new ReleaseStore(db).OpenAsync(world.Release.ModelVersion, ct));
        var embeddings = new List<(float[], Guid)>();
        foreach (var user in world.Users.Take(500))
        {
            var context = await RequestContext.ReadAsync(db, user, null, ct);
            embeddings.Add((tower.Encode(context.Payload!, context.AsOf), user));
        }

        return embeddings;
    }

    private async Task<TimeSpan> LoadAsync(int clients, int count, Func<int, int, Task> work)
    {
        _times.Clear();
        var next = -1;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next)) await work(i, client);
        })));
        return Stopwatch.GetElapsedTime(started);
    }

    private async Task RequestAsync(HttpClient http, int i, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var answer = await http.GetByteArrayAsync(
            new Uri($"/v1/users/{world.Users[i % world.Users.Count]}/recommendations?limit={Limit}", UriKind.Relative), ct);
        _times.Add("request", Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        if (answer.Length < 1_000) throw new InvalidOperationException("an answer of 20 videos was expected");
    }

    private async Task SearchAsync(string sql, List<(float[] Embedding, Guid User)> embeddings, int i, int candidates, CancellationToken ct)
    {
        var (embedding, user) = embeddings[i % embeddings.Count];
        var started = Stopwatch.GetTimestamp();
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        foreach (var statement in sql.Split(';'))
        {
            var command = new NpgsqlBatchCommand(statement);
            if (statement.Contains("$1", StringComparison.Ordinal)) command.Parameters.Add(new() { Value = embedding });
            if (statement.Contains("$2", StringComparison.Ordinal)) command.Parameters.Add(new() { Value = candidates });
            if (statement.Contains("$3", StringComparison.Ordinal)) command.Parameters.Add(new() { Value = user });
            if (statement.Contains("$4", StringComparison.Ordinal)) command.Parameters.Add(new() { Value = world.Release.ModelVersion });
            batch.BatchCommands.Add(command);
        }

        await using var reader = await batch.ExecuteReaderAsync(ct);
        do
        {
            while (await reader.ReadAsync(ct)) reader.GetValue(0);
        }
        while (await reader.NextResultAsync(ct));

        _times.Add("sql", Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "twotower.serving.stage.duration") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) => _times.Add((string)tags[0].Value!, seconds * 1_000));
        listener.Start();
        return listener;
    }
}
