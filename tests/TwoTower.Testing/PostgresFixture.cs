using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;
using Xunit;

namespace TwoTower.Testing;

/// <summary>
/// A real Postgres with pgvector for the tests of one assembly: the server that TWOTOWER_TEST_DATABASE names (a connection string with
/// the right to create databases), or else one that LocalPostgres provides. Each test class takes a database of its own, copied from
/// a migrated template, so classes run side by side. An assembly declares <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>, and
/// a class takes the fixture in its constructor.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly LocalPostgresOptions? _own;
    private readonly string _prefix = $"twotower_test_{Environment.ProcessId}_{Guid.NewGuid():N}"[..36];
    private NpgsqlDataSource? _server;
    private int _count;

    /// <summary>The server that the tests of an assembly share.</summary>
    public PostgresFixture()
    {
    }

    private PostgresFixture(LocalPostgresOptions own) => _own = own;

    /// <summary>A server that is nobody else's, in a folder of its own: it may be stopped and started.</summary>
    /// <exception cref="Core.InputException">This machine can't run one.</exception>
    public static async Task<PostgresFixture> OwnAsync(string home)
    {
        // As root the server runs as another user, who must be able to come to its folder.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(
            home, File.GetUnixFileMode(home) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var fixture = new PostgresFixture(new() { Home = home, AllowContainer = false });
        await fixture.InitializeAsync();
        return fixture;
    }

    /// <summary>Stops a server of one's own; its data stays.</summary>
    public Task StopAsync() => LocalPostgresServer.StopAsync(_own!, Console.WriteLine);

    /// <summary>Starts it again, at the same port.</summary>
    public Task StartAsync() => LocalPostgresServer.ProvideAsync(_own!, Console.WriteLine);

    /// <summary>Connection string of the server's maintenance database.</summary>
    public string ServerConnectionString { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        ServerConnectionString = _own is null && Environment.GetEnvironmentVariable("TWOTOWER_TEST_DATABASE") is { Length: > 0 } given
            ? given
            : (await LocalPostgresServer.ProvideAsync(
                _own ?? new() { Home = Path.Combine(RepositoryRoot(), ".twotower", "test") }, Console.WriteLine)).ConnectionString;
        // Seconds: a busy machine may stall for longer than a request would wait, and no test is timed.
        var settings = DataSources.Normalize(ServerConnectionString);
        settings.Timeout = 120;
        ServerConnectionString = settings.ConnectionString;
        _server = DataSources.Create(ServerConnectionString);

        await ExecuteAsync($"create database {Template}");
        await using var db = DataSources.Create(Named(Template));
        await Migrator.MigrateAsync(db, null, CancellationToken.None);
    }

    /// <summary>A database with this program's schema and no rows.</summary>
    public Task<TestDatabase> CreateDatabaseAsync() => CreateAsync(Template);

    /// <summary>A database with nothing in it, not even the extension.</summary>
    public Task<TestDatabase> CreateEmptyDatabaseAsync() => CreateAsync("template1");

    public async ValueTask DisposeAsync()
    {
        if (_server is null) return;
        await DropAsync(Template);
        await _server.DisposeAsync();
        if (_own is not null) await StopAsync();
    }

    private string Template => _prefix + "_template";

    // A server of one's own goes with its folder.
    internal Task DropAsync(string name) => _own is not null ? Task.CompletedTask : ExecuteAsync($"drop database if exists {name} with (force)");

    private async Task<TestDatabase> CreateAsync(string template)
    {
        var name = $"{_prefix}_{Interlocked.Increment(ref _count)}";
        await ExecuteAsync($"create database {name} template {template}");
        return new(this, name, Named(name));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _server!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private string Named(string database) => new NpgsqlConnectionStringBuilder(ServerConnectionString)
    {
        Database = database,
        MaxPoolSize = 20,
        IncludeErrorDetail = true,
    }.ConnectionString;

    /// <summary>The clone that the tests were built from.</summary>
    public static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TwoTower.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException($"No TwoTower.sln above {AppContext.BaseDirectory}.");
    }
}

/// <summary>A database of one test class; dropped when disposed.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly PostgresFixture _fixture;

    internal TestDatabase(PostgresFixture fixture, string name, string connectionString)
    {
        _fixture = fixture;
        Name = name;
        ConnectionString = connectionString;
        DataSource = DataSources.Create(connectionString);
    }

    /// <summary>Name of the database.</summary>
    public string Name { get; }

    /// <summary>Its connection string.</summary>
    public string ConnectionString { get; }

    /// <summary>Connections to it.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>Runs statements.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row.</summary>
    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The first column of each row.</summary>
    public async Task<IReadOnlyList<T>> ListAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        List<T> values = [];
        while (await reader.ReadAsync()) values.Add(reader.GetFieldValue<T>(0));
        return values;
    }

    /// <summary>Makes a role with a password, to speak to this database as.</summary>
    /// <param name="grants">Statements that give it rights, of its name; null: none.</param>
    public Task<TestRole> AsRoleAsync(Func<string, string>? grants = null) => TestRole.CreateAsync(this, grants);

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await _fixture.DropAsync(Name);
    }
}
