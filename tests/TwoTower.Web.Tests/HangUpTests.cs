using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Clients that hang up while the database is at work for them, and those whose time is over.</summary>
[Collection(nameof(Alone))]
public sealed class HangUpTests(PostgresFixture postgres)
{
    private const string Key = "an-operators-key-of-a-test";

    [Theory]
    [InlineData("/v1/users/00000000-0000-0000-0000-00000000beef/recommendations", LockedTable.Decisions)]
    [InlineData("/v1/experiments", "two_tower.experiments")]
    [InlineData("/v1/releases/compare?a={0}&b={1}", "two_tower.impressions")]
    [InlineData("/v1/releases/{0}/bundle", "two_tower.release_files")]
    public async Task A_client_that_hangs_up_cancels_nothing_at_the_database(string path, string locked)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var release = await TestReleases.ReadyAsync(db, TestCheckpoints.Random());
        var other = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        var hangUps = new HangUps();
        await using var api = await StartAsync(db, hangUps);
        await using var table = await LockedTable.LockAsync(db, locked);
        using var leave = new CancellationTokenSource();
        var asked = api.Client.GetAsync(string.Format(null, path, release.ModelVersion, other.ModelVersion), leave.Token);
        var waiting = await table.WaitedForAsync();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await hangUps.Heard;
        Assert.Equal(waiting, (await table.WaitersAsync()).Intersect(waiting)); // still asking: it ends by itself
    }

    [Fact]
    public async Task Of_a_client_that_hung_up_the_next_query_is_not_asked()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var hangUps = new HangUps();
        await using var api = await StartAsync(db, hangUps, new() { ["TwoTower:Limits:ConcurrentRequests"] = "1", ["TwoTower:Limits:Deadline"] = "00:02:00" });
        await db.ExecuteAsync("create table public.searches (at timestamptz default clock_timestamp())");
        await db.ExecuteAsync("alter function two_tower.tag_marks(bigint[]) rename to tag_marks_of_before");
        await db.ExecuteAsync("""
            create function two_tower.tag_marks(p_keys bigint[], out bits bit(256), out others bigint[]) language plpgsql as
            $$ begin insert into public.searches default values; end $$
            """);
        await using var table = await LockedTable.LockAsync(db);
        using var leave = new CancellationTokenSource();
        var asked = api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", leave.Token);
        await table.WaitedForAsync();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await hangUps.Heard;
        await table.DisposeAsync();

        // It has the only turn, so the one that is answered comes after its end.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            using var answer = await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", patience.Token);
            if (answer.IsSuccessStatusCode) break;
            await Task.Delay(20, patience.Token);
        }

        Assert.Equal(1, await db.ScalarAsync<long>("select count(*) from public.searches"));
    }

    [Theory]
    [InlineData("GET", "/v1/experiments", "two_tower.experiments", "Deadline")]
    [InlineData("POST", "/v1/releases/{0}/activate", "two_tower.release_transitions", "Deadline")]
    [InlineData("GET", "/v1/releases/compare?a={0}&b={1}", "two_tower.impressions", "OperatorDeadline")]
    [InlineData("POST", "/v1/releases/{0}/verify", "two_tower.release_files", "OperatorDeadline")]
    [InlineData("GET", "/v1/releases/{0}/bundle", "two_tower.release_files", "OperatorDeadline")]
    public async Task An_operators_request_ends_at_its_deadline(string method, string path, string locked, string bound)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var release = await TestReleases.ReadyAsync(db, TestCheckpoints.Random());
        var other = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await using var api = await StartAsync(db, new(), new()
        {
            ["TwoTower:Limits:Deadline"] = "00:04:00",
            ["TwoTower:Limits:OperatorDeadline"] = "00:04:00",
            [$"TwoTower:Limits:{bound}"] = "00:00:01",
        });
        await using var table = await LockedTable.LockAsync(db, locked);
        using var request = new HttpRequestMessage(new(method), string.Format(null, path, release.ModelVersion, other.ModelVersion));
        var answer = await api.Client.SendAsync(request);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("urn:twotower:problem:out-of-time", (await ApiHost.ReadAsync(answer, 503)).GetProperty("type").GetString());
    }

    // Upkeep and the release watch would wait for the locks, too.
    private static async Task<ApiHost> StartAsync(TestDatabase db, HangUps hangUps, Dictionary<string, string?>? settings = null)
    {
        var api = await ApiHost.StartAsync(
            db,
            new(settings ?? [])
            {
                ["TwoTower:Api:OperatorKey"] = Key,
                ["TwoTower:Api:StatisticsRefreshSeconds"] = "0",
                ["TwoTower:Api:ReleasePollSeconds"] = "3600",
            },
            builder => builder.Services.AddSingleton<IStartupFilter>(hangUps));
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        return api;
    }

    /// <summary>Hears from the server when a client has hung up.</summary>
    private sealed class HangUps : IStartupFilter
    {
        private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Heard => _heard.Task.WaitAsync(TimeSpan.FromMinutes(2));

        // The first to ask to be told is told last: whoever would cancel something has done it by then.
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((HttpContext context, RequestDelegate rest) =>
            {
                context.RequestAborted.Register(() => _heard.TrySetResult());
                return rest(context);
            });
            next(app);
        };
    }
}
