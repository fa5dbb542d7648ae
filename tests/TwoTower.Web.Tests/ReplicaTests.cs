using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Npgsql;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A replica follows the pointer: without a restart, with the tower in memory before a request needs it, and after being cut
/// off.</summary>
[Collection(nameof(Alone))]
public sealed class ReplicaTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly PostgresFixture _postgres;
    private readonly ConcurrentQueue<string> _loads = [];
    private readonly ActivityListener _listener;
    private TestDatabase _db = null!;

    public ReplicaTests(PostgresFixture postgres)
    {
        _postgres = postgres;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ServingTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.OperationName == "load tower") _loads.Enqueue((string)span.GetTagItem("twotower.model_version")!);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    private ReleaseStore Store => new(_db.DataSource);

    public async ValueTask InitializeAsync()
    {
        _db = await _postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_replica_starts_with_the_towers_of_the_active_release_of_the_way_back_and_of_the_next()
    {
        var back = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(16, 1));
        var unused = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(16, 2));
        var active = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(16, 3));
        var next = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(16, 4));
        await using var api = await ApiHost.StartAsync(_db);
        Assert.Equal(new[] { back, active, next }.Select(release => release.ModelVersion).Order(), _loads.Order());

        await ServesAsync(api, active);
        await Store.ActivateAsync(next.ModelVersion, "test", null);
        await ServesAsync(api, next);
        await Store.RollbackAsync("test", null);
        await ServesAsync(api, active);
        Assert.Equal(3, _loads.Count);
        Assert.DoesNotContain(unused.ModelVersion, _loads);
    }

    [Theory]
    [InlineData("true", "3600")]   // told by LISTEN
    [InlineData("false", "1")]     // found by polling
    public async Task A_new_release_is_in_memory_before_a_request_needs_it(string listen, string pollSeconds)
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(16, 1));
        await using var api = await ApiHost.StartAsync(
            _db, new() { ["TwoTower:Api:Listen"] = listen, ["TwoTower:Api:ReleasePollSeconds"] = pollSeconds });
        var next = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(16, 2));
        await Store.ActivateAsync(next.ModelVersion, "test", null);

        await WaitAsync(() => _loads.Contains(next.ModelVersion));
        await ServesAsync(api, next);
        Assert.Single(_loads, next.ModelVersion);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_replica_that_was_cut_off_serves_what_is_active_when_it_is_back(bool silently)
    {
        var old = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(16, 1));
        var next = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(8, 2));
        var settings = new NpgsqlConnectionStringBuilder(_db.ConnectionString);
        await using var network = TcpProxy.Before(settings.Port);
        settings.Port = network.Port;
        settings.Host = "127.0.0.1";
        settings.CommandTimeout = settings.Timeout = 5; // a silent server is given up on in seconds
        await using var api = await ApiHost.StartAsync(settings.ConnectionString);
        await ServesAsync(api, old);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ServesAsync(api, old))); // a pool with connections in it

        if (silently) network.FallSilent();
        else network.Cut();
        await Store.ActivateAsync(next.ModelVersion, "test", null);
        await Store.TransitionAsync(old.ModelVersion, ReleaseState.Retired, "test", null);
        await _db.ExecuteAsync($"drop table {old.Table}");
        for (var i = 0; i < 2; i++)
        {
            var away = await api.Client.GetAsync(Path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
            Assert.Equal("5", away.Headers.RetryAfter?.ToString());
            Assert.Equal("application/problem+json", away.Content.Headers.ContentType?.MediaType);
        }

        network.Restore();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ServesAsync(api, next)));
    }

    [Fact]
    public async Task Connections_that_were_cut_while_nobody_asked_cost_no_request()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        await using var api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:Listen"] = "false", ["TwoTower:Api:ReleasePollSeconds"] = "3600" });
        await using var server = NpgsqlDataSource.Create(_postgres.ServerConnectionString);
        for (var round = 0; round < 10; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ServesAsync(api, release))); // a pool with connections in it
            await using var end = server.CreateCommand($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_db.Name}'");
            await end.ExecuteNonQueryAsync();
        }

        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ServesAsync(api, release)));
    }

    private static string Path => $"/v1/users/{ApiWorld.Viewer}/recommendations";

    private static async Task ServesAsync(ApiHost api, Release release) =>
        Assert.Equal(release.ModelVersion, (await api.GetAsync(Path)).GetProperty("modelVersion").GetString());

    private static async Task WaitAsync(Func<bool> happened)
    {
        var started = Stopwatch.GetTimestamp();
        while (!happened())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience);
            await Task.Delay(20);
        }
    }
}
