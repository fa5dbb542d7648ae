using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Entities;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Experiments;

/// <summary>An experiment: some users get another release than the active one.</summary>
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
        await ReleaseErrors.ExplainAsync(() =>
            db.Sql("select two_tower.start_experiment(@name, @version, @share, @salt, @actor, @reason)")
                .With("name", name).With("version", modelVersion).With("share", share).With("salt", salt).With("actor", actor)
                .With("reason", reason)
                .ExecuteAsync(ct));
        return await GetAsync(name, ct);
    }

    /// <summary>Ends an experiment: from the next request on, all users get the active release.</summary>
    /// <returns>The experiment, and whether it was running.</returns>
    /// <exception cref="InputException">There is no such experiment.</exception>
    public async Task<(Experiment Experiment, bool WasRunning)> StopAsync(
        string name, string actor, string? reason, CancellationToken ct = default)
    {
        var was = await ReleaseErrors.ExplainAsync(() => db.Sql("select two_tower.stop_experiment(@name, @actor, @reason)")
            .With("name", name).With("actor", actor).With("reason", reason).ScalarAsync<bool>(ct));
        return (await GetAsync(name, ct), was);
    }

    /// <summary>All experiments, newest first; at most the first is running.</summary>
    public Task<IReadOnlyList<Experiment>> ListAsync(CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<Experiment>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<Experiment>().OrderByDescending(experiment => experiment.Id).ToListAsync(ct);
        });

    /// <summary>An experiment by its name.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public Task<Experiment> GetAsync(string name, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var context = TwoTowerDb.Open(db);
        return await context.Set<Experiment>().SingleOrDefaultAsync(experiment => experiment.Name == name, ct)
            ?? throw new InputException($"There is no experiment {name}: 'twotower experiments list' names those that there are.");
    });

    private static bool IsName(string name) => name.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_');
}

/// <summary>The table <c>two_tower.experiments</c>.</summary>
internal sealed class ExperimentEntity : IEntityTypeConfiguration<Experiment>
{
    public void Configure(EntityTypeBuilder<Experiment> builder)
    {
        builder.ToTable("experiments", "two_tower");
        builder.HasKey(experiment => experiment.Id);
        builder.Property(experiment => experiment.Id).HasColumnName("experiment_id").UseIdentityAlwaysColumn();
        builder.Property<long>(RegistryEntities.Keys.Release);
    }
}
