using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.LocalPostgres.Machine;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Doctor;

/// <summary>Where a PostgreSQL could come from, and how the one in use is.</summary>
internal static class DatabaseChecks
{
    /// <summary>Each source in the order in which they are tried; only all of them failing is a failure.</summary>
    public static async Task<IReadOnlyList<Check>> SourcesAsync(LocalPostgresOptions options, CancellationToken ct)
    {
        var sources = await PostgresSurvey.LookAsync(options, ct);
        var checks = sources
            .Select((source, i) =>
                new Check($"PostgreSQL source {i + 1}: {source.Name}", source.Usable || (i == 0 && options.ConnectionString is null) ? CheckState.Ok : CheckState.Warn, source.Detail))
            .ToList();
        if (options.ConnectionString is not null && !sources[0].Usable)
        {
            checks[0] = checks[0] with { State = CheckState.Fail, Remedy = $"correct {options.ConnectionStringName}, or leave it out" };
        }
        else if (!sources.Any(source => source.Usable))
        {
            checks.Add(new Check("PostgreSQL", CheckState.Fail, "no source can be used",
                "macOS: brew install postgresql@17 pgvector; Debian 13, Ubuntu: sudo apt install postgresql-17-pgvector; Docker: start its engine; or give --database"));
        }

        return checks;
    }

    /// <summary>The database in use: the given one, or our own where it runs.</summary>
    public static async Task<IReadOnlyList<Check>> InUseAsync(LocalPostgresOptions options, CancellationToken ct)
    {
        const string Name = "database";
        ProvidedPostgres? provided;
        try
        {
            provided = options.ConnectionString is null
                ? await LocalPostgresServer.FindAsync(options, ct)
                : await LocalPostgresServer.ProvideAsync(options, static _ => { }, ct);
        }
        catch (LocalPostgresException e)
        {
            return [new(Name, CheckState.Fail, e.Message)];
        }

        if (provided is null)
        {
            return [new(Name, CheckState.Ok, "none is running; twotower starts its own when a verb needs one")];
        }

        var checks = new List<Check>
        {
            new(Name, CheckState.Ok, provided.Origin),
            new("pgvector", provided.Warning is null ? CheckState.Ok : CheckState.Warn, provided.PgVector.ToString(), provided.Warning),
        };
        await using var source = DataSources.Create(provided.ConnectionString);
        var status = await Migrator.StatusAsync(source, ct);
        checks.Add(status.IsCurrent
            ? new("migrations", CheckState.Ok, "all applied")
            : new("migrations", CheckState.Warn, "not all applied", "twotower db migrate"));
        if (status.IsCurrent) checks.AddRange(await ValuesAsync(source, ct));
        var (misfits, tables) = await Migrator.FindMisfitsAsync(source, ct);
        if (misfits.Count > 0)
        {
            var views = tables.Select(table => table.View).OfType<string>().ToList();
            var create = views.Count == 0 ? "" : $"create here: create schema if not exists two_tower; {string.Join("; ", views)}; then ";
            checks.Add(new(
                "tables that were there", CheckState.Fail, string.Join(' ', misfits),
                $"{create}give TwoTower a database of its own and load these rows into it (docs/data.md): with TWOTOWER_SOURCE naming this database and TWOTOWER_DATABASE that one, "
                + "twotower db migrate; twotower import postgres"));
        }

        return checks;
    }

    // What models and answers read as NULL, and rows that nothing reads.
    private static async Task<IReadOnlyList<Check>> ValuesAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        const string Name = "values in the tables";
        try
        {
            var told = new List<string>();
            await WholeTables.UntimedAsync(source, async connection =>
            {
                await OddValues.TellAsync(connection, told.Add, ct);
                return true;
            }, ct);
            return told.Count == 0
                ? [new(Name, CheckState.Ok, "all are read")]
                : [.. told.Select(line => new Check(Name, CheckState.Warn, line))];
        }
        catch (PostgresException error) when (DatabaseErrors.FaultOf(error) == DatabaseFault.Denied)
        {
            return [new(Name, CheckState.Warn, error.MessageText, "a user that may read the tables can look")];
        }
    }
}
