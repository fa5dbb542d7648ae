using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Health;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>
/// A database that hangs: it takes connections and says nothing. Live answers within 1 s and requests within the deadline and 1 s; where
/// others keep the machine busy (<see cref="MachineShare"/>) these tests allow more, and print what they saw. tests/TwoTower.Torture
/// measures at length.
/// </summary>
[Collection(nameof(Alone))]
public sealed class SilentDatabaseTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private const string Key = "an-operators-key-of-a-test";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2), Strict = TimeSpan.FromSeconds(1), Slack = TimeSpan.FromSeconds(6);

    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["TwoTower:Limits:Deadline"] = "00:00:02",
        ["TwoTower:Limits:ConcurrentRequests"] = "16",
        ["TwoTower:Limits:WaitingRequests"] = "24",
        ["TwoTower:Api:OperatorKey"] = Key,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Live_answers_and_requests_end_at_the_deadline_while_the_server_is_silent(bool hangUp)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        var database = new NpgsqlConnectionStringBuilder(db.ConnectionString) { MaxPoolSize = 100 };
        await using var network = TcpProxy.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", network.Port);
        await using var api = await ApiHost.StartAsync(database.ConnectionString, Settings);
        await AskAsync(api, hangUp, () =>
        {
            network.FallSilent();
            return Task.CompletedTask;
        }, network.Restore);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Live_answers_and_requests_end_at_the_deadline_while_the_servers_processes_are_stopped(bool hangUp)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGSTOP");
        using var home = new TemporaryFolder();
        PostgresFixture own;
        try
        {
            own = await PostgresFixture.OwnAsync(home.Path);
        }
        catch (InputException e)
        {
            Assert.Skip(e.Message);
            throw;
        }

        try
        {
            await using var db = await own.CreateDatabaseAsync();
            await TestReleases.LoadGoldenAsync(db);
            await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
            await using var api =
                await ApiHost.StartAsync(
                    new NpgsqlConnectionStringBuilder(db.ConnectionString) { MaxPoolSize = 100 }.ConnectionString, Settings);
            PausedServer? paused = null;
            try
            {
                await AskAsync(
                    api, hangUp, async () => paused = await PausedServer.PauseAsync(own.ServerConnectionString), () => paused!.Dispose());
            }
            finally
            {
                paused?.Dispose();
            }
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    // 64 users, 32 operators and 32 probes for eight seconds of silence.
    private async Task AskAsync(ApiHost api, bool hangUp, Func<Task> silence, Action restore)
    {
        (string Name, string Path, int Clients, TimeSpan Bound)[] crowds =
        [
            ("users", $"/v1/users/{ApiWorld.Viewer}/recommendations", 64, Deadline),
            ("operators", "/v1/releases", 32, Deadline),
            ("probes", "/health/ready", 32, ReadyProbe.Patience),
        ];
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        foreach (var crowd in crowds) await api.GetAsync(crowd.Path);
        await silence();
        var share = new MachineShare();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        var asking = crowds.Select(crowd => (crowd.Name, crowd.Bound, Seen: Task.WhenAll(Enumerable.Range(0, crowd.Clients)
            .Select(_ => Task.Run(() => CrowdAsync(api, crowd.Path, hangUp, stop.Token)))))).ToList();

        // By a thread of its own: the crowd keeps the pool's busy.
        var slowestLive = await Task.Factory.StartNew(
            () => ProbeLive(api, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAll(asking.Select(crowd => crowd.Seen));
        var busy = share.WhyBusy();
        output.WriteLine(busy is null ? "the machine is quiet" : $"the machine is busy: {busy}");
        output.WriteLine($"hang up {hangUp}: slowest live {slowestLive}");
        foreach (var (name, bound, seen) in asking)
        {
            var answers = seen.Result.SelectMany(answers => answers).ToList();
            var slowest = answers.Select(answer => answer.Took).DefaultIfEmpty().Max();
            output.WriteLine($"{name}: slowest {slowest}, {string.Join(", ", answers.CountBy(answer => answer.Status))}");
            Assert.True(slowest < bound + (busy is null ? Strict : Slack), $"{name}: {slowest}");
            Assert.All(answers, answer => Assert.Equal(503, answer.Status));
            if (!hangUp) Assert.NotEmpty(answers);
        }

        Assert.True(slowestLive < (busy is null ? Strict : Slack), $"live: {slowestLive}");

        // Whatever was given up on gives its turn back.
        restore();
        using var back = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        foreach (var crowd in crowds)
        {
            while (!(await api.Client.GetAsync(crowd.Path, back.Token)).IsSuccessStatusCode) await Task.Delay(100, back.Token);
        }
    }

    private static async Task<List<(int Status, TimeSpan Took)>> CrowdAsync(ApiHost api, string path, bool hangUp, CancellationToken stop)
    {
        var answers = new List<(int, TimeSpan)>();
        while (!stop.IsCancellationRequested)
        {
            var asked = Stopwatch.GetTimestamp();
            using var patience = new CancellationTokenSource(hangUp ? TimeSpan.FromMilliseconds(20) : TimeSpan.FromMinutes(2));
            try
            {
                using var answer = await api.Client.GetAsync(path, patience.Token);
                if (path.StartsWith("/v1/", StringComparison.Ordinal)) Assert.NotNull(answer.Headers.RetryAfter);
                answers.Add(((int)answer.StatusCode, Stopwatch.GetElapsedTime(asked)));
            }
            catch (OperationCanceledException)
            {
                // Hung up.
            }

            await Task.Delay(200, CancellationToken.None);
        }

        return answers;
    }

    private static TimeSpan ProbeLive(ApiHost api, CancellationToken stop)
    {
        var slowest = TimeSpan.Zero;
        do
        {
            var asked = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
            using var answer = api.Client.Send(request, CancellationToken.None);
            Assert.Equal(200, (int)answer.StatusCode);
            var took = Stopwatch.GetElapsedTime(asked);
            if (took > slowest) slowest = took;
        }
        while (!stop.WaitHandle.WaitOne(20));

        return slowest;
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_ended_by_the_server_and_the_release_is_not_blamed()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await using var api = await ApiHost.StartAsync(db, new(Settings) { ["TwoTower:Limits:Deadline"] = "00:00:00.5", ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05" });
        await db.ExecuteAsync("alter function two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[]) rename to video_filter_of_before");
        await db.ExecuteAsync("""
            create function two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[]) returns text language plpgsql as
            $$ begin perform pg_sleep(600); return 'true'; end $$
            """);
        var problem = await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations", 503);
        Assert.Equal("urn:twotower:problem:out-of-time", problem.GetProperty("type").GetString());
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'") > 0) await Task.Delay(50, patience.Token);
        Assert.Equal(0L, await db.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
    }

    [Fact]
    public async Task Beyond_those_that_may_wait_a_request_is_told_at_once_to_come_again()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db, new(Settings)
        {
            ["TwoTower:Api:StatisticsRefreshSeconds"] = "0", // it would wait for the lock, too
            ["TwoTower:Limits:Deadline"] = "00:02:00",
            ["TwoTower:Limits:ConcurrentRequests"] = "1",
            ["TwoTower:Limits:WaitingRequests"] = "0",
        });
        await using var table = await LockedTable.LockAsync(db);
        var first = api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        await table.WaitedForAsync();

        var shed = await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        Assert.Equal("5", shed.Headers.RetryAfter?.ToString());
        Assert.Equal("urn:twotower:problem:overloaded", (await ApiHost.ReadAsync(shed, 503)).GetProperty("type").GetString());
        Assert.Equal(200, (int)(await api.Client.GetAsync("/health/ready")).StatusCode);
        await table.DisposeAsync();
        Assert.Equal(200, (int)(await first).StatusCode);
    }

    [Fact]
    public async Task The_pools_connections_are_never_reset()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db);
        Assert.True(new NpgsqlConnectionStringBuilder(api.Services.GetRequiredService<NpgsqlDataSource>().ConnectionString).NoResetOnClose);
    }
}
