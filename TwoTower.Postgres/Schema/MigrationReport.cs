using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>What a migration did.</summary>
/// <param name="AppliedMigrations">Migrations applied now, by file name.</param>
/// <param name="AppliedFunctions">Functions made or replaced now, by signature.</param>
/// <param name="ForeignFunctions">Functions of the same signature that were there before and aren't ours: left as they are.</param>
/// <param name="VectorVersion">Version of pgvector.</param>
/// <param name="Warnings">What a person should know, a line each.</param>
internal sealed record MigrationReport(
    IReadOnlyList<string> AppliedMigrations,
    IReadOnlyList<string> AppliedFunctions,
    IReadOnlyList<string> ForeignFunctions,
    Version VectorVersion,
    IReadOnlyList<string> Warnings);

/// <summary>How far a database is.</summary>
/// <param name="Server">The server and its database, without secrets.</param>
/// <param name="Applied">Migrations that it has, by file name.</param>
/// <param name="Pending">Migrations that it lacks.</param>
/// <param name="Newer">Migrations that it has and this program doesn't know: a newer program migrated it.</param>
/// <param name="MissingFunctions">Functions that it lacks, by signature.</param>
/// <param name="OutdatedFunctions">Functions that have another text than this program's, by signature.</param>
/// <param name="ForeignFunctions">Functions of theirs in place of ours.</param>
internal sealed record MigrationStatus(
    ServerInfo Server,
    IReadOnlyList<string> Applied,
    IReadOnlyList<string> Pending,
    IReadOnlyList<string> Newer,
    IReadOnlyList<string> MissingFunctions,
    IReadOnlyList<string> OutdatedFunctions,
    IReadOnlyList<string> ForeignFunctions)
{
    /// <summary>True when there is nothing to do.</summary>
    public bool IsCurrent => Pending.Count == 0 && Newer.Count == 0 && MissingFunctions.Count == 0 && OutdatedFunctions.Count == 0;
}
