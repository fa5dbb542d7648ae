using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Experiments;

/// <summary>An experiment: some users get another release than the active one.</summary>
/// <param name="Id">Key.</param>
/// <param name="Name">What people call it.</param>
/// <param name="ModelVersion">The release that the share of users gets.</param>
/// <param name="Share">Share of all users, 0..1.</param>
/// <param name="Salt">Which users: those whose <see cref="UserShare"/> with this salt is below the share.</param>
/// <param name="StartedAt">By the database's clock.</param>
/// <param name="StoppedAt">Null: it is running.</param>
internal sealed record Experiment(
    long Id, string Name, string ModelVersion, double Share, string Salt, DateTimeOffset StartedAt, string StartedBy, string? Reason,
    DateTimeOffset? StoppedAt, string? StoppedBy, string? StopReason);

/// <summary>Starts, stops and lists experiments. One runs at a time; the database sees to it.</summary>
internal sealed class ExperimentStore(NpgsqlDataSource db)
{
    /// <summary>Gives a share of the users a ready release, from their next request on.</summary>
    /// <param name="name">A name that no experiment had: a–z, 0–9, dots, dashes and underscores, 64 at most.</param>
    /// <param name="modelVersion">The release.</param>
    /// <param name="share">Share of all users, more than 0 and less than 1.</param>
    /// <param name="salt">Draws the users: the same salt the same ones. Null: one of its own.</param>
    /// <exception cref="InputException">No such release, it isn't ready, none is active, another experiment runs, or the name or share can't be used.</exception>
    public async Task<Experiment> StartAsync(
        string name, string modelVersion, double share, string actor, string? reason, string? salt = null, CancellationToken ct = default)
    {
        if (!IsName(name)) throw new InputException($"'{name}' can't name an experiment: a–z, 0–9, '.', '-' and '_', 64 at most, beginning with a letter or digit.");
        if (share is not (> 0 and < 1)) throw new InputException($"A share of {share} can't be used: more than 0 and less than 1 was expected, such as 0.1 for a tenth of the users.");
        await ReleaseErrors.ExplainAsync(async () =>
        {
            await using var command = db.CreateCommand("select two_tower.start_experiment($1, $2, $3, $4, $5, $6)");
            command.Parameters.Add(new() { Value = name });
            command.Parameters.Add(new() { Value = modelVersion });
            command.Parameters.Add(new() { Value = share });
            command.Parameters.Add(Text(salt));
            command.Parameters.Add(new() { Value = actor });
            command.Parameters.Add(Text(reason));
            return await command.ExecuteScalarAsync(ct).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return await GetAsync(name, ct).ConfigureAwait(false);
    }

    /// <summary>Ends an experiment: from the next request on, all users get the active release.</summary>
    /// <returns>The experiment, and whether it was running.</returns>
    /// <exception cref="InputException">There is no such experiment.</exception>
    public async Task<(Experiment Experiment, bool WasRunning)> StopAsync(string name, string actor, string? reason, CancellationToken ct = default)
    {
        var was = await ReleaseErrors.ExplainAsync(async () =>
        {
            await using var command = db.CreateCommand("select two_tower.stop_experiment($1, $2, $3)");
            command.Parameters.Add(new() { Value = name });
            command.Parameters.Add(new() { Value = actor });
            command.Parameters.Add(Text(reason));
            return (bool)(await command.ExecuteScalarAsync(ct).ConfigureAwait(false))!;
        }).ConfigureAwait(false);
        return (await GetAsync(name, ct).ConfigureAwait(false), was);
    }

    /// <summary>All experiments, newest first; at most the first is running.</summary>
    public Task<IReadOnlyList<Experiment>> ListAsync(CancellationToken ct = default) => ReadAsync("order by experiment_id desc", null, ct);

    /// <summary>An experiment by its name.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public async Task<Experiment> GetAsync(string name, CancellationToken ct = default) =>
        (await ReadAsync("where name = $1", name, ct).ConfigureAwait(false)).SingleOrDefault()
        ?? throw new InputException($"There is no experiment {name}: 'twotower experiments list' names those that there are.");

    private Task<IReadOnlyList<Experiment>> ReadAsync(string which, string? name, CancellationToken ct) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<Experiment>>(async () =>
        {
            await using var command = db.CreateCommand(
                $"""
                select experiment_id, name, model_version, share, salt, started_at, started_by, reason, stopped_at, stopped_by, stop_reason
                from two_tower.experiments {which}
                """);
            if (name is not null) command.Parameters.Add(new() { Value = name });
            await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var found = new List<Experiment>();
            while (await row.ReadAsync(ct).ConfigureAwait(false))
            {
                string? Maybe(int i) => row.IsDBNull(i) ? null : row.GetString(i);
                found.Add(new(
                    row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetDouble(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5),
                    row.GetString(6), Maybe(7), row.IsDBNull(8) ? null : row.GetFieldValue<DateTimeOffset>(8), Maybe(9), Maybe(10)));
            }

            return found;
        });

    private static bool IsName(string name) => name.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_');

    private static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
