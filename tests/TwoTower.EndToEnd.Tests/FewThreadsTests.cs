using System.Net.Sockets;
using System.Text;
using TwoTower.Testing;
using TwoTower.Torture.Servers;

namespace TwoTower.EndToEnd.Tests;

/// <summary>
/// A process that may have four threads: whatever holds one of them until the database answers is found at once, on a machine of any speed.
/// </summary>
public sealed class FewThreadsTests(PostgresFixture postgres)
{
    private const int Clients = 64, Rounds = 5;

    [Fact]
    public async Task Clients_that_hang_up_at_a_database_that_is_busy_hold_no_thread()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var db = await postgres.CreateDatabaseAsync();
        await using var replica = await Replica.StartAsync(
            db.ConnectionString, ct,
            ("DOTNET_ThreadPool_ForceMaxWorkerThreads", "4"), ("TwoTower__Api__StatisticsRefreshSeconds", "0"), ("TwoTower__Limits__Deadline", "00:05:00"));
        await using var table = await LockedTable.LockAsync(db);
        await AskAndLeaveAsync(replica.Client.BaseAddress!, table.WaitedForAsync, ct);
        for (var round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, Clients)
                .Select(_ => AskAndLeaveAsync(replica.Client.BaseAddress!, () => Task.Delay(20, ct), ct)));
            using var alive = await replica.Client.GetAsync("/health/live", ct).WaitAsync(TimeSpan.FromMinutes(2), ct);
            Assert.Equal(200, (int)alive.StatusCode);
        }

        // As many as may are at work for clients who left; a database that is given back gives the turns back.
        Assert.InRange((await table.WaitersAsync()).Count, 1, 32);
        await table.DisposeAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await replica.Client.GetAsync($"/v1/users/{Guid.NewGuid()}/recommendations", patience.Token)).StatusCode != System.Net.HttpStatusCode.OK) await Task.Delay(50, patience.Token);
    }

    private static async Task AskAndLeaveAsync(Uri address, Func<Task> leave, CancellationToken ct)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, ct);
        await socket.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET /v1/users/{Guid.NewGuid()}/recommendations HTTP/1.1\r\nHost: localhost\r\n\r\n"), ct);
        await leave();
        socket.LingerState = new(true, 0); // a reset
    }
}
