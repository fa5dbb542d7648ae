using System.Diagnostics;
using Npgsql;

namespace TwoTower.Testing;

/// <summary>A real PgBouncer in transaction mode before a server, with few connections to it, so that its clients share them.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private const string Variable = "TWOTOWER_TEST_PGBOUNCER";

    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private PgBouncer(Process process, DirectoryInfo folder, int port) => (_process, _folder, Port) = (process, folder, port);

    /// <summary>Where it listens, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>
    /// The programs that this machine has: the first of PATH, and those that <c>TWOTOWER_TEST_PGBOUNCER</c> names (paths, separated as in
    /// PATH), each another version.
    /// </summary>
    /// <exception cref="InvalidOperationException">One that is named isn't there.</exception>
    public static IReadOnlyList<string> Programs()
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, "pgbouncer")).FirstOrDefault(File.Exists);
        var named = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(
            Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (named.FirstOrDefault(path => !File.Exists(path)) is { } missing) throw new InvalidOperationException($"{Variable} names '{missing}', which isn't there.");
        return [.. (found is null ? named : named.Prepend(found)).Distinct()];
    }

    /// <summary>The first of them; null where this machine has none.</summary>
    public static string? Program() => Programs() is [var first, ..] ? first : null;

    /// <summary>A connection string's database through the pooler.</summary>
    public string Through(string connectionString, string more = "") =>
        new NpgsqlConnectionStringBuilder($"{connectionString};{more}") { Host = "127.0.0.1", Port = Port }.ConnectionString;

    /// <summary>Starts it and waits until it lets a client through.</summary>
    /// <param name="server">Connection string of the server.</param>
    /// <param name="connections">Connections to each of its databases.</param>
    /// <param name="program">Which of <see cref="Programs"/>; null: the first.</param>
    public static async Task<PgBouncer> StartAsync(string server, int connections, string? program = null)
    {
        var to = new NpgsqlConnectionStringBuilder(server);
        var folder = Directory.CreateTempSubdirectory("twotower-pgbouncer-");
        var port = FreePort.Next();
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "users.txt"), $"\"{to.Username}\" \"{to.Password}\"\n");
        var settings = Path.Combine(folder.FullName, "pgbouncer.ini");
        await File.WriteAllTextAsync(
            settings,
            $"""
            [databases]
            * = host={to.Host} port={to.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {Path.Combine(folder.FullName, "users.txt")}
            pool_mode = transaction
            default_pool_size = {connections}
            query_wait_timeout = 5
            server_login_retry = 1
            logfile = {Path.Combine(folder.FullName, "log")}

            """);

        // It refuses to run as root, and reads its files after it has become somebody else.
        List<string> user = [];
        if (Environment.IsPrivilegedProcess)
        {
            using var give = Process.Start("chown", ["-R", "nobody", folder.FullName]);
            await give.WaitForExitAsync();
            user = ["-u", "nobody"];
        }

        var process = Process.Start(program ?? Program()!, ["-q", .. user, settings]);
        var pooler = new PgBouncer(process, folder, port);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = new NpgsqlConnection(pooler.Through(server, "Pooling=false"));
                await connection.OpenAsync();
                return pooler;
            }
            catch (NpgsqlException) when (attempt < 200 && !process.HasExited)
            {
                await Task.Delay(50);
            }
            catch
            {
                await pooler.DisposeAsync();
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
