using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Benchmarks;

/// <summary>A database of one benchmark run, dropped at its end.</summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _server;
    private readonly string _name;

    private ScratchDatabase(NpgsqlDataSource server, string name, NpgsqlDataSource dataSource) =>
        (_server, _name, DataSource) = (server, name, dataSource);

    public NpgsqlDataSource DataSource { get; }

    public static async Task<ScratchDatabase> CreateAsync(string connectionString, CancellationToken ct)
    {
        var server = DataSources.Create(connectionString);
        var name = $"twotower_benchmark_{Environment.ProcessId}";
        await using (var command = server.CreateCommand($"create database {name}")) await command.ExecuteNonQueryAsync(ct);
        return new(
            server, name,
            DataSources.Create(
                new NpgsqlConnectionStringBuilder(
                    DataSources.Normalize(connectionString).ConnectionString)
                { Database = name }.ConnectionString));
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await using (var command = _server.CreateCommand($"drop database if exists {_name} with (force)")) await command.ExecuteNonQueryAsync();
        await _server.DisposeAsync();
    }
}
