using System.Text.Json;
using Npgsql;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The database goes away and comes back.</summary>
[Collection(nameof(Alone))]
public sealed class DatabaseAwayTests(PostgresFixture postgres)
{
    [Fact]
    public async Task While_it_is_away_answers_are_503_with_Retry_After_and_none_fails_once_it_is_back()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await using var api = await ApiHost.StartAsync(db);
        await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");

        // As good as a stopped server for this database, and the others' tests go on: no connection lives, none is let in.
        await using var server = NpgsqlDataSource.Create(postgres.ServerConnectionString);
        await ExecuteAsync(server, $"alter database {db.Name} allow_connections false");
        await ExecuteAsync(server, $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{db.Name}'");
        foreach (var path in new[] { $"/v1/users/{ApiWorld.Viewer}/recommendations", $"/v1/videos/{Golden.ItemPayloads[0].VideoId}/similar" })
        {
            var response = await api.Client.GetAsync(path);
            Assert.Equal("5", response.Headers.RetryAfter?.ToString());
            await ApiHost.ReadAsync(response, 503, "database-away");
        }

        await api.PostAsync("/v1/decisions", new { userId = ApiWorld.Viewer, videoId = Golden.ItemPayloads[0].VideoId, decision = "like" }, 503, "database-away");
        var ready = await api.Client.GetAsync("/health/ready");
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.Equal("unhealthy", JsonElement.Parse(await ready.Content.ReadAsStringAsync()).GetProperty("status").GetString());
        Assert.Equal(200, (int)(await api.Client.GetAsync("/health/live")).StatusCode);

        await ExecuteAsync(server, $"alter database {db.Name} allow_connections true");
        for (var i = 0; i < 20; i++) await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        await api.GetAsync("/health/ready");
    }

    [Fact]
    public async Task A_connection_that_was_cut_is_answered_with_503_once_and_not_again()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:StatisticsRefreshSeconds"] = "0" });
        await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        await using var server = NpgsqlDataSource.Create(postgres.ServerConnectionString);
        await ExecuteAsync(server, $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{db.Name}'");

        var first = await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        Assert.Contains((int)first.StatusCode, new[] { 200, 503 });
        for (var i = 0; i < 5; i++) await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
    }

    [Fact]
    public async Task A_process_that_starts_before_its_database_serves_when_that_has_come()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        var database = new NpgsqlConnectionStringBuilder(db.ConnectionString);
        await using var network = TcpProxy.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", network.Port);
        network.Cut();
        await using var api = await ApiHost.StartAsync(database.ConnectionString, new() { ["TwoTower:Api:ReleasePollSeconds"] = "1" });
        await network.RefusedAsync(4);
        Assert.Equal(503, (int)(await api.Client.GetAsync("/health/ready")).StatusCode);

        network.Restore();

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!(await api.Client.GetAsync("/health/ready", patience.Token)).IsSuccessStatusCode) await Task.Delay(100, patience.Token);
        var answer = await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        Assert.Equal(release.ModelVersion, answer.GetProperty("modelVersion").GetString());
    }

    [Fact]
    public async Task A_server_that_does_not_listen_is_503_not_an_error_of_ours()
    {
        await using var api = await ApiHost.StartAsync("Host=127.0.0.1;Port=1;Username=x;Password=secret;Database=x");
        var problem = await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", 503, "database-away");
        Assert.DoesNotContain("secret", problem.GetRawText(), StringComparison.Ordinal);
        var ready = await api.Client.GetStringAsync("/health/live");
        Assert.Contains("healthy", ready, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource server, string sql)
    {
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
