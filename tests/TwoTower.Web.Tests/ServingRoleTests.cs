using System.Text.Json;
using Npgsql;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The API as a role that owns nothing and was given what <c>two_tower.grant_serving</c> gives (docs/deploy.md).</summary>
public sealed class ServingRoleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "correct-horse-battery-staple";
    private readonly string _role = "serving_" + Guid.NewGuid().ToString("N")[..12];
    private TestDatabase _db = null!;
    private Release _first = null!;
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        _first = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(seed: 1));
        await _db.ExecuteAsync($"create role {_role} login password 'test'; select two_tower.grant_serving('{_role}')");
        _connection = new NpgsqlConnectionStringBuilder(_db.ConnectionString) { Username = _role, Password = "test" }.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        await _db.ExecuteAsync($"drop owned by {_role}; drop role {_role}");
        await _db.DisposeAsync();
    }

    [Fact]
    public async Task It_answers_records_counts_and_drops_old_days_without_owning_a_table()
    {
        // A day that is due to go.
        await _db.ExecuteAsync(
            """
            select two_tower.impression_partition(current_date - 40);
            insert into two_tower.impression_days values (current_date - 40, 0);
            """);
        await using var api = await StartAsync(new()
        {
            ["TwoTower:Impressions:Share"] = "1",
            ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05",
            ["TwoTower:Api:StatisticsRefreshSeconds"] = "1",
        });
        Assert.Equal("healthy", (await api.GetAsync("/health/ready")).GetProperty("status").GetString());

        var answer = await AskAsync(api);
        Assert.Equal(("two_tower", _first.ModelVersion), (answer.GetProperty("strategy").GetString(), answer.GetProperty("modelVersion").GetString()));
        var video = ApiWorld.Ids(answer)[0];
        Assert.NotEmpty(ApiWorld.Ids(await api.GetAsync($"/v1/videos/{video}/similar")));
        await api.PostAsync("/v1/decisions", new { userId = ApiWorld.Viewer, videoId = video, decision = "like" }, 201);
        await UntilAsync("select (select count(*) from two_tower.video_statistics where like_count > 0) > 0");
        Assert.NotEmpty(ApiWorld.Ids(await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations")));

        await UntilAsync("select count(*) >= 20 from two_tower.impressions");
        await UntilAsync("select sum(answers) >= 1 from two_tower.serving_counts");
        await UntilAsync("select count(*) = 1 from pg_inherits where inhparent = 'two_tower.impressions'::regclass");
        Assert.Equal(0L, await _db.ScalarAsync<long>($"select count(*) from pg_class where relowner = '{_role}'::regrole"));
    }

    [Fact]
    public async Task Releases_and_experiments_that_come_after_the_grant_are_served_and_one_that_fails_is_left()
    {
        await using var api = await StartAsync(new()
        {
            ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05",
            ["TwoTower:Rollback:CheckInterval"] = "00:00:00.1",
            ["TwoTower:Rollback:MinRequests"] = "20",
            ["TwoTower:Rollback:MinFailedUsers"] = "1",
        });
        var store = new ReleaseStore(_db.DataSource);
        var second = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await _db.ExecuteAsync($"select two_tower.start_experiment('taste', '{second.ModelVersion}', 0.999999, null, 'test', null)");
        Assert.Equal(second.ModelVersion, (await AskAsync(api)).GetProperty("modelVersion").GetString());
        await _db.ExecuteAsync("select two_tower.stop_experiment('taste', 'test', null)");

        var broken = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 3), Golden.AsOf.AddHours(2));
        await _db.ExecuteAsync($"alter table two_tower.release_files disable trigger user; delete from two_tower.release_files where release_id = {broken.Id} and path = 'user_tower.onnx'");
        await store.ActivateAsync(broken.ModelVersion, "alice", null);
        for (var n = 0; (await store.GetActiveAsync())!.ModelVersion == broken.ModelVersion; n++)
        {
            Assert.True(n < 10_000, "nobody goes back");
            await api.Client.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        }

        Assert.Equal(_first.ModelVersion, (await AskAsync(api)).GetProperty("modelVersion").GetString());
        Assert.Equal("automatic rollback", await _db.ScalarAsync<string>("select actor from two_tower.activations where undid_activation_id is not null"));
    }

    [Fact]
    public async Task It_may_do_nothing_to_releases_and_an_operator_is_told_so()
    {
        await using var api = await StartAsync(new() { ["TwoTower:Api:OperatorKey"] = Key });
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        var second = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await api.GetAsync("/v1/releases");
        foreach (var action in new[] { "activate", "retire", "verify" })
        {
            var problem = await api.PostAsync($"/v1/releases/{second.ModelVersion}/{action}", new { }, 403, "not-allowed-by-database");
            Assert.Contains("permission denied", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        await using var db = NpgsqlDataSource.Create(_connection);
        foreach (var sql in new[]
        {
            $"drop table {_first.Table}", $"delete from {_first.Table}", "update two_tower.releases set state = 'failed'", "delete from two_tower.impressions",
            "update two_tower.active_release set release_id = null", "update public.videos set price = 0", "create table two_tower.mine (x int)",
        })
        {
            await using var command = db.CreateCommand(sql);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }

        // Nor may anybody else do with the owner's rights what the API does with them.
        var stranger = _role + "_x";
        await _db.ExecuteAsync($"create role {stranger}");
        foreach (var call in new[] { "undo_activation(1, 'x', null, null)", "drop_impressions(0, 0, 1)", "impression_partition(current_date)" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync($"begin; set local role {stranger}; select two_tower.{call}"));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }

        await _db.ExecuteAsync($"drop role {stranger}");
    }

    private Task<ApiHost> StartAsync(Dictionary<string, string?> settings) => ApiHost.StartAsync(_connection, settings);

    private static Task<JsonElement> AskAsync(ApiHost api) => api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");

    private async Task UntilAsync(string sql)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await _db.ScalarAsync<bool>($"select coalesce(({sql}), false)")) await Task.Delay(50, patience.Token);
    }
}
