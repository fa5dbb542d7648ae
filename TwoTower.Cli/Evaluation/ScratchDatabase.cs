using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Cli.Evaluation;

/// <summary>
/// A database for a few minutes, beside the one that was named and on the same server; dropped when disposed, also after Ctrl-C. Nothing
/// else on the server is read or written.
/// </summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    /// <summary>What its name begins with, for whoever finds one that a kill left behind.</summary>
    public const string Prefix = "twotower_evaluate_";

    private readonly string _server;
    private readonly string _name;
    private readonly Terminal _terminal;

    private ScratchDatabase(string server, Terminal terminal)
    {
        _name = $"{Prefix}{Environment.ProcessId}_{Guid.NewGuid():N}"[..(Prefix.Length + 16)];
        (_server, _terminal) = (new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString, terminal);
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = _name }.ConnectionString;
        Source = DataSources.Create(ConnectionString);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Source { get; }

    /// <summary>Fails early, before long work, where this user may not create a database.</summary>
    /// <exception cref="InputException">The user may not.</exception>
    public static async Task RequireRightAsync(string server, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync(ct);
        var mayCreate = await connection.Sql("select rolsuper or rolcreatedb from pg_roles where rolname = current_user")
            .ScalarAsync<bool?>(ct);
        if (mayCreate is not true) throw Refused(server, "the role has no CREATEDB");
    }

    /// <summary>Creates and migrates it.</summary>
    /// <exception cref="InputException">The server doesn't let this user create a database.</exception>
    public static async Task<ScratchDatabase> CreateAsync(string server, Terminal terminal, CancellationToken ct)
    {
        var scratch = new ScratchDatabase(server, terminal);
        try
        {
            terminal.Detail($"scratch database: {scratch._name}, dropped in the end");
            await scratch.OnServerAsync($"create database {scratch._name} template template0", ct);
            await Migrator.MigrateAsync(scratch.Source, terminal.Detail, ct);
            return scratch;
        }
        catch (Exception e)
        {
            await scratch.DisposeAsync();
            // A server that can't make databases at all says "feature not supported".
            if (e is PostgresException refused
                && (DatabaseErrors.FaultOf(e) == DatabaseFault.Denied || refused.SqlState == PostgresErrorCodes.FeatureNotSupported))
            {
                throw Refused(server, refused.MessageText);
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        try
        {
            // Whoever stops the run wants this as well. The API's last connections may still be closing: force.
            await OnServerAsync($"drop database if exists {_name} with (force)", CancellationToken.None);
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
        {
            _terminal.Warn($"the scratch database {_name} could not be dropped ({e.Message}): drop it by hand");
        }
    }

    private static InputException Refused(string server, string why) => new(
        $"--live works in a scratch database that it creates and drops, and the server of {DatabaseChoice.NameOf(server)} doesn't let this user "
        + $"create one ({why}): name another server with --database, or none, and twotower sets up one of its own");

    private async Task OnServerAsync(string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(_server);
        await connection.OpenAsync(ct);
        await connection.Sql(sql).WithTimeout(0).ExecuteAsync(ct);
    }
}
