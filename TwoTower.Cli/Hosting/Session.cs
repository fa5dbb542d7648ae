using System.CommandLine;
using Npgsql;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;
using TwoTower.ServiceDefaults.Database;

namespace TwoTower.Cli.Hosting;

/// <summary>One run of one verb: its parsed options, where it talks, when it must stop, its database.</summary>
internal sealed class Session(ParseResult parse, Terminal terminal, TimeProvider time, CancellationToken ct) : IAsyncDisposable
{
    private readonly List<NpgsqlDataSource> _sources = [];

    public ParseResult Parse => parse;

    public Terminal Terminal => terminal;

    public TimeProvider Time => time;

    public CancellationToken Stop => ct;

    /// <summary>What is kept if the run is stopped now, and how to go on; said on Ctrl-C.</summary>
    public string? Kept { get; set; }

    /// <summary>
    /// The server and database that the verb works on: the one named, or else our own, set up or started where needed. Says where it is
    /// from.
    /// </summary>
    public async Task<ProvidedPostgres> ProvideAsync(string ownDatabase = DatabaseChoice.DefaultName)
    {
        var choice = DatabaseChoice.From(parse, Environment.GetEnvironmentVariable);
        choice.Tell(terminal.Warn);
        await WaitAsync(choice);
        var provided = await LocalPostgresServer.ProvideAsync(choice.ToOptions(StateHome.Path, ownDatabase), terminal.Detail, ct);
        terminal.Say($"database: {DatabaseChoice.NameOf(provided.ConnectionString)} on {provided.Origin}, pgvector {provided.PgVector}");
        if (provided.Warning is { } warning)
        {
            terminal.Warn(warning);
        }

        return provided;
    }

    /// <summary>
    /// Provides a database with this version's tables. One of our own is migrated on the way; a given one is somebody's, and must have
    /// been migrated on purpose.
    /// </summary>
    /// <exception cref="InputException">A given database isn't migrated.</exception>
    public async Task<ProvidedPostgres> ProvideMigratedAsync(string ownDatabase = DatabaseChoice.DefaultName)
    {
        var provided = await ProvideAsync(ownDatabase);
        var db = Open(provided);
        if ((await Migrator.StatusAsync(db, ct)).IsCurrent)
        {
            return provided;
        }

        if (DatabaseChoice.From(parse, Environment.GetEnvironmentVariable).ConnectionString is not null)
        {
            throw new InputException($"the database {DatabaseChoice.NameOf(provided.ConnectionString)} isn't migrated to this version: run 'twotower db migrate' on it first");
        }

        await Migrator.MigrateAsync(db, terminal.Detail, ct);
        return provided;
    }

    /// <summary>Provides a database with this version's tables and opens it; closed with the session.</summary>
    public async Task<NpgsqlDataSource> OpenDatabaseAsync() => Open(await ProvideMigratedAsync());

    /// <summary>Opens a provided database; closed with the session.</summary>
    public NpgsqlDataSource Open(ProvidedPostgres provided)
    {
        var source = DataSources.Create(provided.ConnectionString);
        _sources.Add(source);
        return source;
    }

    // A server of our own is waited for by who sets it up.
    private async Task WaitAsync(DatabaseChoice choice)
    {
        if (choice.ConnectionString is not { } named || parse.GetValue(CommonOptions.Wait) is not { } seconds) return;
        await using var db = DataSources.Create(named);
        await db.WaitUntilReadyAsync(
            TimeSpan.FromSeconds(seconds), time, reason => terminal.Say($"waiting up to {seconds} s for the database: {reason}"), ct);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources)
        {
            await source.DisposeAsync();
        }
    }
}
