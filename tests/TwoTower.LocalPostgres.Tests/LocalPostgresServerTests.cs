using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Tests;

public class LocalPostgresServerTests
{
    [Fact]
    public async Task A_fresh_home_gets_a_server_on_loopback_whose_pgvector_works()
    {
        await using var server = await TemporaryServer.StartAsync();

        Assert.False(server.Provided.Reused);
        Assert.True(server.Provided.PgVector >= new Version(0, 5), server.Provided.ToString());
        Assert.Equal("127.0.0.1", new NpgsqlConnectionStringBuilder(server.Provided.ConnectionString).Host);
        Assert.Equal("twotower", await ScalarAsync(server, "select current_database()"));
        Assert.Equal(1.0, await ScalarAsync(server, "create extension vector; select '[1,0]'::vector <=> '[0,1]'::vector"));
        Assert.Equal("on", await ScalarAsync(server, "show fsync"));
        Assert.Equal("127.0.0.1", await ScalarAsync(server, "show listen_addresses"));
        Assert.Equal("scram-sha-256", await ScalarAsync(server, "select auth_method from pg_hba_file_rules where address = '127.0.0.1' limit 1"));
    }

    [Fact]
    public async Task A_second_call_reuses_the_running_server_and_a_call_after_a_stop_restarts_it_with_its_data()
    {
        await using var server = await TemporaryServer.StartAsync();
        var first = server.Provided;
        await ScalarAsync(server, "create table kept as select 42 as answer");

        var second = await server.ProvideAsync();
        Assert.True(second.Reused);
        Assert.Equal(first.ConnectionString, second.ConnectionString);

        Assert.True(await LocalPostgresServer.StopAsync(server.Options, server.Said.Add));
        Assert.False(await LocalPostgresServer.StopAsync(server.Options, server.Said.Add));
        Assert.Null(await LocalPostgresServer.FindAsync(server.Options));

        var third = await server.ProvideAsync();
        Assert.False(third.Reused);
        Assert.Equal(first.ConnectionString, third.ConnectionString);
        Assert.Equal(42, await ScalarAsync(server, "select answer from kept"));
    }

    [Fact]
    public async Task A_killed_server_is_started_again_with_what_was_committed()
    {
        await using var server = await TemporaryServer.StartAsync();
        Assert.SkipWhen(OperatingSystem.IsWindows(), "kills by pid file");
        await ScalarAsync(server, "create table kept as select 42 as answer");
        var pidFile = Directory.EnumerateFiles(StateFolder.Of(server.Options.Home).Server, "postmaster.pid", SearchOption.AllDirectories).Single();
        using (var postmaster = Process.GetProcessById(int.Parse(File.ReadLines(pidFile).First())))
        {
            postmaster.Kill();
            await postmaster.WaitForExitAsync();
        }

        var again = await server.ProvideAsync();

        Assert.False(again.Reused);
        Assert.Equal(42, await ScalarAsync(server, "select answer from kept"));
    }

    [Fact]
    public async Task A_pid_file_that_now_names_another_program_does_not_keep_the_server_down()
    {
        await using var server = await TemporaryServer.StartAsync();
        var folder = StateFolder.Of(server.Options.Home).Server;
        var pidFile = Directory.EnumerateFiles(folder, "postmaster.pid", SearchOption.AllDirectories).Single();
        var lines = File.ReadAllLines(pidFile);
        await LocalPostgresServer.StopAsync(server.Options, server.Said.Add);

        // As after a reboot: the file is still there, and its process id belongs to somebody else (this test).
        lines[0] = Environment.ProcessId.ToString();
        File.WriteAllLines(pidFile, lines);

        Assert.False((await server.ProvideAsync()).Reused);
    }

    [Fact]
    public async Task Callers_at_the_same_moment_get_one_server()
    {
        await using var warm = await TemporaryServer.StartAsync();
        await using var server = TemporaryServer.Home();
        string[] arguments = ["provide", server.Options.Home, LocalPostgresOptions.DefaultCache()];

        var runs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ProviderProcess.RunAsync(arguments)));

        var results = runs.Select(run => run.Output.Split('\n').Last(line => line.StartsWith("provided", StringComparison.Ordinal)).Split(' ')).ToList();
        Assert.Single(results.Select(words => words[1]).Distinct());
        Assert.Single(results, words => words[3] == "started");
    }

    [Fact]
    public async Task The_password_is_in_a_file_of_ours_and_nowhere_else()
    {
        await using var server = await TemporaryServer.StartAsync();
        var folder = StateFolder.Of(server.Options.Home);
        var password = folder.Password();

        Assert.Equal(48, password.Length);
        Assert.All(server.Said, line => Assert.DoesNotContain(password, line, StringComparison.Ordinal));
        Assert.DoesNotContain(password, server.Provided.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            [Path.Combine(folder.Root, "password")],
            Directory.EnumerateFiles(folder.Root, "*", SearchOption.AllDirectories)
                .Where(file => new FileInfo(file).Length is > 0 and < 100_000 && Path.GetFileName(file) != "lock" && File.ReadAllText(file).Contains(password, StringComparison.Ordinal)));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder.Root, "password")));
        }

        var wrong = new NpgsqlConnectionStringBuilder(server.Provided.ConnectionString) { Password = "guessed", Pooling = false };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());
    }

    [Fact]
    public async Task A_wanted_port_is_used_and_refused_when_it_is_taken_or_another_one_is_in_use_already()
    {
        await using var warm = await TemporaryServer.StartAsync();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var server = TemporaryServer.Home();

        var refused = await Assert.ThrowsAsync<LocalPostgresException>(
            () => LocalPostgresServer.ProvideAsync(server.Options with { Port = taken }, server.Said.Add));
        Assert.StartsWith($"port {taken} on 127.0.0.1 is in use", refused.Message);

        other.Stop();
        var provided = await LocalPostgresServer.ProvideAsync(server.Options with { Port = taken }, server.Said.Add);
        Assert.Equal(taken, new NpgsqlConnectionStringBuilder(provided.ConnectionString).Port);

        var moved = await Assert.ThrowsAsync<LocalPostgresException>(
            () => LocalPostgresServer.ProvideAsync(server.Options with { Port = taken + 1 }, server.Said.Add));
        Assert.Contains($"already runs on port {taken}", moved.Message);
    }

    [Fact]
    public async Task A_home_that_only_root_can_enter_keeps_its_server_elsewhere()
    {
        Assert.SkipUnless(ServerUser.Needed, "this test run isn't root");
        await using var server = TemporaryServer.Home();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(server.Options.Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await server.ProvideAsync();

        Assert.StartsWith("/var/lib/twotower/", StateFolder.Of(server.Options.Home).Root);
        Assert.Equal(1, await ScalarAsync(server, "select 1"));
    }

    [Fact]
    public async Task Databases_of_one_server_are_made_on_demand()
    {
        await using var server = await TemporaryServer.StartAsync();
        var other = await LocalPostgresServer.ProvideAsync(server.Options with { Database = "Some \"other\" one" }, server.Said.Add);
        Assert.True(other.Reused);
        Assert.Equal("Some \"other\" one", await ScalarAsync(other.ConnectionString, "select current_database()"));
    }

    [Fact]
    public async Task When_no_way_is_open_the_error_names_each_one_and_the_remedies()
    {
        using var home = new TemporaryFolder();
        var options = new LocalPostgresOptions
        {
            Home = home.Path,
            Cache = Path.Combine(home.Path, "cache"),
            AllowContainer = false,
            AllowMachinePrograms = false,
            AllowDownload = false,
        };
        List<string> said = [];

        var error = await Assert.ThrowsAsync<LocalPostgresException>(() => LocalPostgresServer.ProvideAsync(options, said.Add));

        Assert.Contains("containers: switched off; a private copy: downloads are switched off", error.Message);
        Assert.Contains("brew install", error.Message);
        Assert.Contains("apt install", error.Message);
        Assert.Contains("--database", error.Message);
        Assert.Equal(["not containers: switched off", "not a private copy: downloads are switched off"], said);
    }

    private static Task<object?> ScalarAsync(TemporaryServer server, string sql) => ScalarAsync(server.Provided.ConnectionString, sql);

    private static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = await ServerProbe.OpenAsync(connectionString, default);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
