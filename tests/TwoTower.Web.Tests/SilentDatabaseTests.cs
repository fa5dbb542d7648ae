using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>
/// A database that hangs: it takes connections and says nothing. The document promises that live answers within 1 s and requests within the
/// deadline and 1 s; these tests share their machine with others and allow more, and print what they saw (tests/TwoTower.Torture measures).
/// </summary>
[Collection(nameof(Alone))]
public sealed class SilentDatabaseTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2), Slack = TimeSpan.FromSeconds(6);

    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["TwoTower:Limits:Deadline"] = "00:00:02",
        ["TwoTower:Limits:ConcurrentRequests"] = "16",
        ["TwoTower:Limits:WaitingRequests"] = "24",
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

    // 64 clients for eight seconds of silence.
    private async Task AskAsync(ApiHost api, bool hangUp, Func<Task> silence, Action restore)
    {
        var path = $"/v1/users/{ApiWorld.Viewer}/recommendations";
        await api.GetAsync(path);
        await silence();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        var statuses = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        var (slowest, slowestLive) = (TimeSpan.Zero, TimeSpan.Zero);
        var clients = Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var asked = Stopwatch.GetTimestamp();
                using var patience = new CancellationTokenSource(hangUp ? TimeSpan.FromMilliseconds(20) : TimeSpan.FromMinutes(2));
                try
                {
                    var answer = await api.Client.GetAsync(path, patience.Token);
                    statuses.AddOrUpdate((int)answer.StatusCode, 1, (_, n) => n + 1);
                    if ((int)answer.StatusCode == 503) Assert.NotNull(answer.Headers.RetryAfter);
                    var took = Stopwatch.GetElapsedTime(asked);
                    lock (statuses) slowest = took > slowest ? took : slowest;
                }
                catch (OperationCanceledException)
                {
                    // Hung up.
                }

                await Task.Delay(50);
            }
        })).ToList();
        while (!stop.IsCancellationRequested)
        {
            var asked = Stopwatch.GetTimestamp();
            Assert.Equal(200, (int)(await api.Client.GetAsync("/health/live")).StatusCode);
            var took = Stopwatch.GetElapsedTime(asked);
            if (took > slowestLive) slowestLive = took;
            await Task.Delay(20);
        }

        await Task.WhenAll(clients);
        output.WriteLine($"hang up {hangUp}: slowest request {slowest}, slowest live {slowestLive}, {string.Join(", ", statuses)}");
        Assert.InRange(slowest, TimeSpan.Zero, Deadline + Slack);
        Assert.InRange(slowestLive, TimeSpan.Zero, Slack);
        Assert.DoesNotContain(500, statuses.Keys);

        // Whatever was given up on gives its turn back.
        restore();
        using var back = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!(await api.Client.GetAsync(path, back.Token)).IsSuccessStatusCode) await Task.Delay(100, back.Token);
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
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("lock table public.user_video_decisions in access exclusive mode", connection, transaction)) await command.ExecuteNonQueryAsync();
        var first = api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0) await Task.Delay(20, patience.Token);

        var shed = await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        Assert.Equal("5", shed.Headers.RetryAfter?.ToString());
        Assert.Equal("urn:twotower:problem:overloaded", (await ApiHost.ReadAsync(shed, 503)).GetProperty("type").GetString());
        Assert.Equal(200, (int)(await api.Client.GetAsync("/health/ready")).StatusCode);
        await transaction.RollbackAsync();
        Assert.Equal(200, (int)(await first).StatusCode);
    }

    [Fact]
    public async Task A_client_that_hangs_up_cancels_nothing_at_the_database()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:StatisticsRefreshSeconds"] = "0" }); // it would wait for the lock, too
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("lock table public.user_video_decisions in access exclusive mode", connection, transaction)) await command.ExecuteNonQueryAsync();
        Task<long> WaitingAsync() => db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
        using var leave = new CancellationTokenSource();
        var asked = api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", leave.Token);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await WaitingAsync() == 0) await Task.Delay(20, patience.Token);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await Task.Delay(200);
        Assert.Equal(1, await WaitingAsync()); // still asking: it ends by itself
        await transaction.RollbackAsync();
    }

    [Fact]
    public async Task Of_a_client_that_hung_up_the_next_query_is_not_asked()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db, new()
        {
            ["TwoTower:Api:StatisticsRefreshSeconds"] = "0", // it would wait for the lock, too
            ["TwoTower:Limits:ConcurrentRequests"] = "1",
            ["TwoTower:Limits:Deadline"] = "00:02:00",
        });
        await db.ExecuteAsync("create table public.searches (at timestamptz default clock_timestamp())");
        await db.ExecuteAsync("alter function two_tower.tag_marks(bigint[]) rename to tag_marks_of_before");
        await db.ExecuteAsync("""
            create function two_tower.tag_marks(p_keys bigint[], out bits bit(256), out others bigint[]) language plpgsql as
            $$ begin insert into public.searches default values; end $$
            """);
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("lock table public.user_video_decisions in access exclusive mode", connection, transaction)) await command.ExecuteNonQueryAsync();
        using var leave = new CancellationTokenSource();
        var asked = api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", leave.Token);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0) await Task.Delay(20, patience.Token);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await Task.Delay(500, patience.Token); // the server hears of it
        await transaction.RollbackAsync();

        // It has the only turn, so the one that is answered comes after its end.
        while (true)
        {
            using var answer = await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", patience.Token);
            if (answer.IsSuccessStatusCode) break;
            await Task.Delay(20, patience.Token);
        }

        Assert.Equal(1, await db.ScalarAsync<long>("select count(*) from public.searches"));
    }

    [Fact]
    public async Task The_pools_connections_are_never_reset()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db);
        Assert.True(new NpgsqlConnectionStringBuilder(api.Services.GetRequiredService<NpgsqlDataSource>().ConnectionString).NoResetOnClose);
    }
}
