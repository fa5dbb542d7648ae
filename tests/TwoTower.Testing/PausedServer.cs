using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace TwoTower.Testing;

/// <summary>
/// A PostgreSQL whose processes are all stopped (SIGSTOP) until this is disposed: connections are taken by the kernel, and nobody answers.
/// For a server of one's own only. Should this process die meanwhile, another one wakes the server after a few minutes.
/// </summary>
internal sealed class PausedServer : IDisposable
{
    private const int MostSeconds = 300;
    private readonly int _server;
    private readonly Process _guard;
    private bool _isDisposed;

    private PausedServer(int server, Process guard) => (_server, _guard) = (server, guard);

    /// <summary>Stops the processes.</summary>
    /// <param name="connectionString">As a superuser, who may read which process it is.</param>
    public static async Task<PausedServer> PauseAsync(string connectionString)
    {
        await using var db =
            NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await using var command = db.CreateCommand("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
        var server = int.Parse((string)(await command.ExecuteScalarAsync())!, CultureInfo.InvariantCulture);
        var guard = Start($"sleep {MostSeconds}; {Signal("CONT", server)}");
        var paused = new PausedServer(server, guard);
        await RunAsync(Signal("STOP", server));
        return paused;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        RunAsync(Signal("CONT", _server)).GetAwaiter().GetResult();
        if (!_guard.HasExited) _guard.Kill(entireProcessTree: true);
        _guard.Dispose();
    }

    // The server first, so that it has no further children; those are told by their parent.
    private static string Signal(string name, int server) => $"kill -{name} {server}; pkill -{name} -P {server}";

    private static async Task RunAsync(string script)
    {
        using var process = Start(script);
        await process.WaitForExitAsync();
    }

    private static Process Start(string script) => Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { UseShellExecute = false })!;
}
