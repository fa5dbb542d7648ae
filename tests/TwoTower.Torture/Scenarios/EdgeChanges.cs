using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using TwoTower.Cli.Output;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;
using TwoTower.Torture.Checking;
using TwoTower.Torture.Load;

namespace TwoTower.Torture.Scenarios;

/// <summary>
/// Requests to the edge functions, in Deno over a stand-in of PostgREST, while releases of several dimensions are activated and rolled
/// back. Every answer must be right for exactly one release, and that one must have been active while the request ran.
/// </summary>
/// <param name="tools">Deno and what the functions use.</param>
internal sealed class EdgeChanges(TortureOptions options, NpmTools tools)
{
    // One more than the functions keep.
    private static readonly int[] Dims = [64, 128, 256, 128];

    private readonly ConcurrentQueue<Exchange> _exchanges = [];
    private int _left;

    /// <param name="project">The world's database, of a server in Supabase's shape.</param>
    public async Task<EdgeChangesResult> RunAsync(
        World world, TestDatabase project, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        var releases = new List<Release>();
        foreach (var dim in Dims)
        {
            progress?.Report(new(0, options.Requests, $"training release {releases.Count + 1} of {Dims.Length}"));
            releases.Add(await world.ReleaseAsync(dim, options.Seed + releases.Count, ct));
        }

        using var oracle = await Oracle.ReadAsync(world, releases, ct);
        await world.Store.ActivateAsync(releases[0].ModelVersion, "torture", "first", ct);
        await using var standIn = new SupabaseStandIn(project);
        await using var edge = await EdgeProcess.StartAsync(tools, new Dictionary<string, string?>
        {
            ["SUPABASE_URL"] = standIn.Url,
            ["SUPABASE_SECRET_KEYS"] = JsonSerializer.Serialize(new { @default = SupabaseStandIn.SecretKey }),
            ["IMPRESSION_SHARE"] = "1",
        });
        edge.Http.DefaultRequestHeaders.Add("apikey", SupabaseStandIn.SecretKey);

        var timeline = new Timeline(releases[0].ModelVersion);
        _left = options.Requests;
        var asking = Task.WhenAll(Enumerable.Range(0, options.Clients).Select(
            client => Task.Run(
                () => AskAsync(edge.Http, world.Viewers, new Random((options.Seed * 1000) + client), ct), CancellationToken.None)));
        var changing = ChangeAsync(
            world.Store, releases, timeline, done => progress?.Report(new(_exchanges.Count, options.Requests, $"{done} changes")), ct);
        await asking;
        var changes = await changing;

        progress?.Report(new(options.Requests, options.Requests, "checking"));
        var findings = new Findings();
        var answers = new Dictionary<string, int>();
        foreach (var exchange in _exchanges)
        {
            ct.ThrowIfCancellationRequested();
            if (oracle.Check(exchange, findings) is not { } version) continue;
            answers[version] = answers.GetValueOrDefault(version) + 1;
            findings.AddIf(!timeline.WasActive(version, exchange.Asked, exchange.Answered), $"{version} answered while it wasn't active");
        }

        findings.AddIf(oracle.Recall < .9, $"only {oracle.Recall:P1} of what an exact search finds was answered");
        return new(
            _exchanges.Count, options.Clients, changes, answers, Math.Round(oracle.Recall, 4), Latencies.Of(_exchanges), findings.Count,
            findings.First);
    }

    // The k-th of n when k/(n+1) of the requests are answered: forward by an activation, back by a rollback.
    private async Task<int> ChangeAsync(
        ReleaseStore store, List<Release> releases, Timeline timeline, Action<int> changed, CancellationToken ct)
    {
        var random = new Random(options.Seed);
        var done = 0;
        while (done < options.Changes)
        {
            while (_exchanges.Count < (done + 1L) * options.Requests / (options.Changes + 1)) await Task.Delay(5, ct);
            var others = releases.Where(release => release.ModelVersion != timeline.Now).ToList();
            await timeline.ChangeAsync(async () => done % 2 == 1
                ? (await store.RollbackAsync("torture", null, ct)).ModelVersion
                : await ActivateAsync(store, others[random.Next(others.Count)].ModelVersion, ct));
            changed(++done);
        }

        return done;
    }

    private static async Task<string> ActivateAsync(ReleaseStore store, string version, CancellationToken ct)
    {
        await store.ActivateAsync(version, "torture", null, ct);
        return version;
    }

    private async Task AskAsync(HttpClient client, IReadOnlyList<Guid> viewers, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && Interlocked.Decrement(ref _left) >= 0)
        {
            var viewer = viewers[random.Next(viewers.Count)];
            var asked = Stopwatch.GetTimestamp();
            try
            {
                using var answer = await client.PostAsJsonAsync("recommend", new { user_id = viewer, limit = Clients.Limit }, CancellationToken.None);
                var body = await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
                _exchanges.Enqueue(new(viewer, asked, Stopwatch.GetTimestamp(), (int)answer.StatusCode, body, false));
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
            {
                _exchanges.Enqueue(new(viewer, asked, Stopwatch.GetTimestamp(), 0, Encoding.UTF8.GetBytes(e.Message), false));
            }
        }
    }
}

/// <summary>What came of it.</summary>
internal sealed record EdgeChangesResult(
    int Requests, int Clients, int Changes, IReadOnlyDictionary<string, int> AnswersByRelease, double Recall, Latencies Latencies,
    int Wrong, IReadOnlyList<string> Findings);
