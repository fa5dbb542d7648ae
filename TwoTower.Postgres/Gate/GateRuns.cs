using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Npgsql;
using TwoTower.Postgres.Entities;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>The recorded runs of the gate.</summary>
internal static class GateRuns
{
    /// <summary>What the gate decided about a release, newest first.</summary>
    /// <param name="db">The registry's database.</param>
    /// <param name="modelVersion">The release.</param>
    /// <param name="limit">Runs at most.</param>
    public static Task<IReadOnlyList<GateRun>> ReadAsync(
        NpgsqlDataSource db, string modelVersion, int limit = 20, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<GateRun>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<GateRun>()
                .Where(run => EF.Property<string>(run, RegistryEntities.Keys.Version) == modelVersion)
                .OrderByDescending(run => run.Run).Take(limit)
                .ToListAsync(ct);
        });
}

/// <summary>The table <c>two_tower.gate_runs</c>.</summary>
internal sealed class GateRunEntity : IEntityTypeConfiguration<GateRun>
{
    public void Configure(EntityTypeBuilder<GateRun> builder)
    {
        builder.ToTable("gate_runs", "two_tower");
        builder.HasKey(run => run.Run);
        builder.Property(run => run.Run).HasColumnName("gate_run_id").UseIdentityAlwaysColumn();
        builder.Property<long>(RegistryEntities.Keys.Release);
        builder.Property<string>(RegistryEntities.Keys.Version).IsRequired();
        builder.Property(run => run.Numbers).HasColumnType("jsonb");
    }
}
