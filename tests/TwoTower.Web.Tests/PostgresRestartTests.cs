using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>PostgreSQL itself is stopped and started under load.</summary>
// It has a server of its own, but spans and metrics are the process's: nothing runs beside the tests that count them.
[Collection(nameof(Alone))]
public sealed class PostgresRestartTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_Postgres_restarts_answers_are_503_with_Retry_After_and_none_is_once_it_is_back(bool behindPooler)
    {
        Assert.SkipWhen(behindPooler && PgBouncer.Program() is null, "there is no pgbouncer on this machine (Debian, Ubuntu: apt install pgbouncer)");
        using var home = new TemporaryFolder();
        var postgres = await OwnAsync(home.Path);
        try
        {
            await using var db = await postgres.CreateDatabaseAsync();
            await TestReleases.LoadGoldenAsync(db);
            await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
            await using var pooler = behindPooler ? await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 5) : null;
            await using var api = await ApiHost.StartAsync(pooler?.Through(db.ConnectionString) ?? db.ConnectionString);
            await api.GetAsync(Path);

            using var stop = new CancellationTokenSource();
            var answers = new ConcurrentQueue<(long Asked, HttpResponseMessage Answer)>();
            var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var asked = Stopwatch.GetTimestamp();
                    answers.Enqueue((asked, await api.Client.GetAsync(Path)));
                }
            })).ToList();

            await EnoughAsync(answers, 200);
            await postgres.StopAsync();
            await EnoughAsync(answers, 503);
            await postgres.StartAsync();
            if (pooler is not null) await AnswersAsync(pooler.Through(db.ConnectionString, "Pooling=false"));
            var back = Stopwatch.GetTimestamp();
            await EnoughAsync(answers, 200);
            await stop.CancelAsync();
            await Task.WhenAll(clients);
            await api.PostAsync("/v1/decisions", new { userId = ApiWorld.Stranger, videoId = Golden.ItemPayloads[0].VideoId, decision = "like" }, 201);

            foreach (var (asked, answer) in answers)
            {
                if ((int)answer.StatusCode == 200) continue;
                Assert.True(asked < back, $"{await answer.Content.ReadAsStringAsync()} after Postgres was back");
                Assert.Equal(503, (int)answer.StatusCode);
                Assert.Equal("5", answer.Headers.RetryAfter?.ToString());
                Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            }
        }
        finally
        {
            await postgres.DisposeAsync();
        }
    }

    private static string Path => $"/v1/users/{ApiWorld.Viewer}/recommendations";

    private static async Task<PostgresFixture> OwnAsync(string home)
    {
        try
        {
            return await PostgresFixture.OwnAsync(home);
        }
        catch (InputException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    // A pooler tries its server again after a second.
    private static async Task AnswersAsync(string connectionString)
    {
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync();
                await using var command = new NpgsqlCommand("select 1", connection);
                await command.ExecuteScalarAsync();
                return;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(50);
            }
        }
    }

    // Ten more answers of a kind from now on.
    private static async Task EnoughAsync(ConcurrentQueue<(long Asked, HttpResponseMessage Answer)> answers, int status)
    {
        var before = answers.Count;
        while (answers.Skip(before).Count(answer => (int)answer.Answer.StatusCode == status) < 10) await Task.Delay(20);
    }
}
