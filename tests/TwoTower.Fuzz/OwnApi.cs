using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.Fuzz;

/// <summary>The API as a process of its own, over a database with a small world and two releases. Both go when it is disposed.</summary>
internal sealed class OwnApi : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly PostgresFixture _postgres;
    private readonly TestDatabase _db;
    private readonly Process _process;

    private OwnApi(PostgresFixture postgres, TestDatabase db, Process process, Uri address, string operatorKey) =>
        (_postgres, _db, _process, Address, OperatorKey) = (postgres, db, process, address, operatorKey);

    public Uri Address { get; }

    public string OperatorKey { get; }

    /// <summary>Megabytes of memory that the process has.</summary>
    public long Megabytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1_000_000;
        }
    }

    public static async Task<OwnApi> StartAsync(CancellationToken ct)
    {
        var postgres = new PostgresFixture();
        await postgres.InitializeAsync();
        var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));

        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "TwoTower.Api.dll"), "--urls",
                address.GetLeftPart(UriPartial.Authority) },
            Environment =
            {
                ["ConnectionStrings__twotower"] = db.ConnectionString,
                ["TwoTower__Api__OperatorKey"] = key,
                ["Logging__LogLevel__Default"] = "Error",
            },
        };
        var api = new OwnApi(postgres, db, Process.Start(start)!, address, key);
        try
        {
            await api.ReadyAsync(ct);
            return api;
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        await _db.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private async Task ReadyAsync(CancellationToken ct)
    {
        using var client = new HttpClient();
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                if ((await client.GetAsync(new Uri(Address, "/health/ready"), ct)).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // It doesn't listen yet.
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new InputException("the API didn't become ready: what it says is above");
            }
            await Task.Delay(50, ct);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
