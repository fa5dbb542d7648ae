using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;

namespace TwoTower.Torture.Servers;

/// <summary>A PostgreSQL that is nobody else's: it is stopped and started here.</summary>
internal sealed class OwnPostgres(string home, Action<string> say) : IAsyncDisposable
{
    private readonly LocalPostgresOptions _options = new() { Home = home, AllowContainer = false };

    /// <summary>Starts it, at the port of before.</summary>
    /// <exception cref="Core.InputException">This machine can't run one.</exception>
    public Task<ProvidedPostgres> StartAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(home);
        return LocalPostgresServer.ProvideAsync(_options, say, ct);
    }

    /// <summary>Stops it: sessions are ended, what was committed stays.</summary>
    public Task StopAsync(CancellationToken ct) => LocalPostgresServer.StopAsync(_options, say, ct);

    /// <summary>A fresh database of a name, migrated; one of an earlier run is dropped.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken ct)
    {
        var server = (await StartAsync(ct)).ConnectionString;
        await using (var db = DataSources.Create(server))
        {
            foreach (var sql in new[] { $"drop database if exists {name} with (force)", $"create database {name}" })
            {
                await using var command = db.CreateCommand(sql);
                await command.ExecuteNonQueryAsync(ct);
            }
        }

        return new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);
}
