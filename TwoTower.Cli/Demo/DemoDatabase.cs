using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Cli.Demo;

/// <summary>The demo's database: one of its own for each source on our PostgreSQL, or the one that was given.</summary>
internal static class DemoDatabase
{
    /// <summary>Provides and migrates it; with <paramref name="fresh"/>, drops what an earlier demo left.</summary>
    /// <exception cref="InputException">Fresh was asked for on a given database: that one is nobody's to drop.</exception>
    public static async Task<ProvidedPostgres> ProvideAsync(Session session, string name, bool fresh)
    {
        var given = DatabaseChoice.From(session.Parse, Environment.GetEnvironmentVariable);
        if (fresh && given.ConnectionString is { } connectionString)
        {
            throw new InputException(
                $"--fresh drops the demo's own database, and {DatabaseChoice.NameOf(connectionString)} was given by {given.NamedBy}: "
                + "empty or drop it yourself, or leave it out and the demo uses a database of its own");
        }

        session.Kept = "what was downloaded is kept; run the same command to go on";
        var provided = await session.ProvideAsync(name);
        if (fresh)
        {
            await DropAsync(provided.ConnectionString, name, session.Stop);
            session.Terminal.Say($"dropped the database {name}: starting anew");
            provided = await LocalPostgresServer.ProvideAsync(given.ToOptions(StateHome.Path, name), session.Terminal.Detail, session.Stop);
        }

        var report = await Migrator.MigrateAsync(session.Open(provided), session.Terminal.Detail, session.Stop);
        if (report.AppliedMigrations.Count > 0)
        {
            session.Terminal.Say($"migrated: {report.AppliedMigrations.Count} migrations, {report.AppliedFunctions.Count} functions");
        }

        return provided;
    }

    private static async Task DropAsync(string connectionString, string name, CancellationToken ct)
    {
        // A database can't be dropped from a connection to it.
        var maintenance = new NpgsqlConnectionStringBuilder(connectionString) { Database = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(maintenance.ConnectionString);
        await connection.OpenAsync(ct);
        await connection.Sql($"drop database if exists \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\" with (force)")
            .ExecuteAsync(ct);
    }
}
