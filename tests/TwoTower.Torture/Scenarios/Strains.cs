using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Npgsql;
using TwoTower.Cli.Output;
using TwoTower.Testing;
using TwoTower.Torture.Load;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>
/// What a replica must bear: clients that hang up, a user of 100,000 decisions, a database that is slow, and one whose processes are
/// stopped. All the while it is alive within a second, requests end at the deadline and a second, and none is anything else than answered
/// or told to come again.
/// </summary>
internal sealed class Strains(TortureOptions options)
{
    private const int Crowd = 64, AtOnce = 32, Heavy = 100_000;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5); // TwoTower:Limits, as it is by default
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Recovery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HangUp = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(30);

    public async Task<StrainsResult> RunAsync(World world, IProgress<StageProgress>? progress, CancellationToken ct)
    {
        var release = await world.ReleaseAsync(64, options.Seed, ct);
        await world.Store.ActivateAsync(release.ModelVersion, "torture", null, ct);
        var connectionString = new NpgsqlConnectionStringBuilder(world.ConnectionString) { MaxPoolSize = 100 }.ConnectionString;
        await using var replica = await Replica.StartAsync(connectionString, ct);
        var findings = new Findings();
        List<StrainResult> strains = [];
        var heavy = await InsertHeavyAsync(world, ct);

        strains.Add(await StrainAsync("clients that hang up", world.Viewers, Crowd, HangUp, Nothing));
        strains.Add(await StrainAsync("a user of 100,000 decisions", [heavy], AtOnce, null, Nothing));
        strains.Add(await StrainAsync("a slow database", world.Viewers, Crowd, null, () => LockAsync(world, ct)));
        strains.Add(await StrainAsync("a stopped database", world.Viewers, Crowd, null, async () => new Restored(await PausedServer.PauseAsync(world.ConnectionString))));
        return new([.. strains], findings.Count, findings.First);

        async Task<StrainResult> StrainAsync(
            string name, IReadOnlyList<Guid> viewers, int clients, TimeSpan? patience, Func<Task<IAsyncDisposable?>> begin)
        {
            progress?.Report(new(strains.Count, 4));
            var statuses = new ConcurrentDictionary<int, int>();
            TimeSpan slowest, slowestHealth;
            await using (await begin())
            {
                using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
                over.CancelAfter(TimeSpan.FromSeconds(options.StrainSeconds));
                var asking = Enumerable.Range(0, clients).Select(client => Task.Run(
                    () => AskAsync(
                        replica.Client, viewers, new Random(options.Seed * 1000 + client), patience, statuses, findings, name, over.Token),
                            CancellationToken.None)).ToList();
                // The heavy user must not make the replica unready; a database that is away does.
                var health = name.StartsWith("a user", StringComparison.Ordinal) ? "/health/ready" : "/health/live";

                // By a thread of its own: the crowd keeps the others of this process busy.
                slowestHealth = await Task.Factory.StartNew(
                    () => Probe(replica.Client.BaseAddress!, health, findings, name, over.Token),
                    CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                slowest = (await Task.WhenAll(asking)).Max();
                findings.AddIf(slowest > Deadline + Second, $"{name}: a request took {slowest.TotalSeconds:0.00} s");
            }

            await BackAsync(replica.Client, world.Viewers[0], Recovery, findings, name, ct);
            return new(
                name, statuses.OrderBy(pair => pair.Key).ToDictionary(), Math.Round(slowest.TotalSeconds, 2),
                Math.Round(slowestHealth.TotalSeconds, 2));
        }
    }

    private static Task<IAsyncDisposable?> Nothing() => Task.FromResult<IAsyncDisposable?>(null);

    // Every query of a request waits for it.
    private static async Task<IAsyncDisposable?> LockAsync(World world, CancellationToken ct)
    {
        var connection = await world.Db.OpenConnectionAsync(ct);
        await using var command = new NpgsqlCommand("begin; lock table public.user_video_decisions in access exclusive mode", connection);
        await command.ExecuteNonQueryAsync(ct);
        return new Unlocked(connection);
    }

    private static async Task<Guid> InsertHeavyAsync(World world, CancellationToken ct)
    {
        var user = Guid.NewGuid();
        await using var command = world.Db.CreateCommand(
            """
            insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
            select $1, v.id, case when g % 3 = 0 then 'nope' else 'like' end, now() - (g * 1000 + v.n) * interval '1 second'
            from (select id, row_number() over (order by id) as n from public.videos limit 1000) v, generate_series(1, $2) g
            """);
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = Heavy / 1000 });
        await command.ExecuteNonQueryAsync(ct);
        return user;
    }

    /// <summary>Asks for recommendations until it is over.</summary>
    /// <returns>The slowest one, with an answer or without.</returns>
    internal static async Task<TimeSpan> AskAsync(
        HttpClient client, IReadOnlyList<Guid> viewers, Random random, TimeSpan? patience, ConcurrentDictionary<int, int> statuses,
        Findings findings, string name,
        CancellationToken over)
    {
        var slowest = TimeSpan.Zero;
        while (!over.IsCancellationRequested)
        {
            var asked = Stopwatch.GetTimestamp();
            var comesAgainAtOnce = false;
            using var leave = new CancellationTokenSource(patience ?? Timeout.InfiniteTimeSpan);
            try
            {
                using var answer = await client.GetAsync(
                    $"/v1/users/{viewers[random.Next(viewers.Count)]}/recommendations?limit={Clients.Limit}", leave.Token);
                var status = (int)answer.StatusCode;
                statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
                findings.AddIf(status is not (200 or 503), $"{name}: {status}");
                findings.AddIf(status == 503 && answer.Headers.RetryAfter is null, $"{name}: 503 without Retry-After");
                comesAgainAtOnce = status != 503;
            }
            catch (OperationCanceledException) when (leave.IsCancellationRequested)
            {
                statuses.AddOrUpdate(0, 1, (_, count) => count + 1); // hung up
                continue;
            }
            catch (Exception e) when (IsNoAnswer(e))
            {
                findings.Add($"{name}: no answer ({e.Message})");
            }

            var took = Stopwatch.GetElapsedTime(asked);
            if (took > slowest) slowest = took;
            if (!comesAgainAtOnce) await Task.Delay(50, CancellationToken.None);
        }

        return slowest;
    }

    /// <summary>Asks the health check until it is over, once at least, each time by a new connection.</summary>
    /// <returns>The longest time that it took, with an answer or without.</returns>
    internal static TimeSpan Probe(Uri address, string path, Findings findings, string name, CancellationToken over)
    {
        var slowest = TimeSpan.Zero;
        do
        {
            var asked = Stopwatch.GetTimestamp();
            try
            {
                var status = Status(address, path);
                findings.AddIf(status != "200", $"{name}: {path} was {status}");
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                findings.Add($"{name}: {path}: no answer ({e.Message})");
            }

            var took = Stopwatch.GetElapsedTime(asked);
            if (took > slowest) slowest = took;
            findings.AddIf(path == "/health/live" && took > Second, $"{name}: {path} took {took.TotalSeconds:0.00} s");
        }
        while (!over.WaitHandle.WaitOne(20));

        return slowest;
    }

    private static string Status(Uri address, string path)
    {
        using var socket = new TcpClient { ReceiveTimeout = (int)ProbePatience.TotalMilliseconds };
        socket.Connect(address.Host, address.Port);
        var stream = socket.GetStream();
        stream.Write(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return reader.ReadToEnd() is ['H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', .. { Length: >= 3 } rest] ? rest[..3] : "no answer";
    }

    /// <summary>Waits until a user is answered again: what was given up on gives its turn back.</summary>
    internal static async Task BackAsync(
        HttpClient client, Guid viewer, TimeSpan patience, Findings findings, string name, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var status = (await Clients.AskAsync(client, viewer)).Status;
            if (status == 200) return;
            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                findings.Add($"{name}: {patience.TotalSeconds:0} s after it a user isn't answered (the last status is {status}, 0: no answer)");
                return;
            }

            await Task.Delay(100, ct);
        }
    }

    // The client's own limit ends as a cancellation.
    private static bool IsNoAnswer(Exception e) => e is HttpRequestException or OperationCanceledException or IOException;

    private sealed class Unlocked(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await using (var command = new NpgsqlCommand("rollback", connection)) await command.ExecuteNonQueryAsync();
            await connection.DisposeAsync();
        }
    }

    private sealed class Restored(PausedServer paused) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            paused.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>What came of it.</summary>
internal sealed record StrainsResult(IReadOnlyList<StrainResult> Strains, int Wrong, IReadOnlyList<string> Findings);

/// <summary>One of them: how many answers of each status (0: the client hung up), the slowest request, the slowest answer of the health
/// check.</summary>
internal sealed record StrainResult(
    string Name, IReadOnlyDictionary<int, int> Statuses, double SlowestSeconds, double SlowestHealthSeconds);
