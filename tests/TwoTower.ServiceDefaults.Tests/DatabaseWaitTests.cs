using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Database;
using TwoTower.Testing;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>A job waits for its database.</summary>
public sealed class DatabaseWaitTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_job_goes_on_as_soon_as_the_database_lets_it_in()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var server = NpgsqlDataSource.Create(postgres.ServerConnectionString);
        await ExecuteAsync(server, $"alter database {db.Name} connection limit 0");
        // The owner of the server gets in all the same: somebody else is kept out.
        await ExecuteAsync(server, $"create role {db.Name}_guest login password 'guest'");
        try
        {
            var guest = new NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = db.Name + "_guest", Password = "guest", Pooling = false };
            await using var source = NpgsqlDataSource.Create(guest);
            var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var waiting = source.WaitUntilReadyAsync(TimeSpan.FromHours(1), TimeProvider.System, _ => refused.TrySetResult());
            await refused.Task;
            Assert.False(waiting.IsCompleted);
            await ExecuteAsync(server, $"alter database {db.Name} connection limit -1");
            await waiting;
        }
        finally
        {
            await ExecuteAsync(server, $"drop role {db.Name}_guest");
        }
    }

    [Fact]
    public async Task A_server_that_never_answers_is_told_after_the_patience()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Database=x");
        var error = await Assert.ThrowsAsync<InputException>(() =>
            nowhere.WaitUntilReadyAsync(TimeSpan.FromMilliseconds(300), TimeProvider.System, NullLogger.Instance));
        Assert.Contains("didn't answer within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_told_at_once()
    {
        var wrong = new NpgsqlConnectionStringBuilder(postgres.ServerConnectionString) { Password = "wrong", Pooling = false };
        await using var source = NpgsqlDataSource.Create(wrong);
        var error = await Assert.ThrowsAsync<InputException>(() =>
            source.WaitUntilReadyAsync(TimeSpan.FromHours(1), TimeProvider.System, NullLogger.Instance));
        Assert.Contains("refuses the connection", error.Message, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource server, string sql)
    {
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
