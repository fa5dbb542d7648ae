using System.Diagnostics;
using System.Security.Cryptography;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.Fuzz;

/// <summary>The API as a process of its own, over a database with a small world and two releases. Both go when it is disposed.</summary>
internal sealed class OwnApi : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly PostgresFixture _postgres = new();
    private TestDatabase? _db;
    private Process? _process;

    private OwnApi()
    {
    }

    public Uri Address { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    public string OperatorKey { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Megabytes of memory that the process has.</summary>
    public long Megabytes
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64 / 1_000_000;
        }
    }

    public static async Task<OwnApi> StartAsync(CancellationToken ct)
    {
        var own = new OwnApi();
        await own._postgres.InitializeAsync();
        try
        {
            var db = own._db = await own._postgres.CreateDatabaseAsync();
            await TestReleases.LoadGoldenAsync(db);
            await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
            await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
            own._process = own.Start(db);
            await own.ReadyAsync(own._process, ct);
            return own;
        }
        catch
        {
            await own.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        if (_db is not null) await _db.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private Process Start(TestDatabase db)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "TwoTower.Api.dll"), "--urls",
                Address.GetLeftPart(UriPartial.Authority) },
            Environment =
            {
                ["ConnectionStrings__twotower"] = db.ConnectionString,
                ["TwoTower__Api__OperatorKey"] = OperatorKey,
                ["Logging__LogLevel__Default"] = "Error",
            },
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;

        // Its log: our own standard output is the report.
        process.OutputDataReceived += (_, said) =>
        {
            if (said.Data is { } line) Console.Error.WriteLine(line);
        };
        process.BeginOutputReadLine();
        return process;
    }

    private async Task ReadyAsync(Process process, CancellationToken ct)
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

            if (process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new InputException("the API didn't become ready: what it says is above");
            }
            await Task.Delay(50, ct);
        }
    }
}
