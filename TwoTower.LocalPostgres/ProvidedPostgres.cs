using System.Text;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres;

/// <summary>A PostgreSQL server that answers and on which pgvector works.</summary>
/// <param name="ConnectionString">Names the database, with the password: never write it to a log.</param>
/// <param name="Origin">Where the server comes from, as a phrase for a person: "PostgreSQL 18.1 in a private copy …".</param>
/// <param name="Reused">Whether it was already running (true for a given connection string).</param>
/// <param name="Server">PostgreSQL's version.</param>
/// <param name="PgVector">The version of pgvector that the database has, or would get.</param>
internal sealed record ProvidedPostgres(string ConnectionString, string Origin, bool Reused, Version Server, Version PgVector)
{
    /// <summary>What a person should know of an old pgvector, or null.</summary>
    public string? Warning => PgVector >= PgVectorVersions.Safe
        ? null
        : $"pgvector {PgVector} can corrupt an HNSW index in VACUUM (fixed in {PgVectorVersions.Safe})" +
          (PgVector < PgVectorVersions.SafeInParallel ? $" and overflow in parallel index builds (fixed in {PgVectorVersions.SafeInParallel})" : "") +
          ": indexes are built without parallel workers; upgrade pgvector when you can";

    private bool PrintMembers(StringBuilder builder)
    {
        // The generated text of a record would show the password.
        builder.Append(Origin).Append(", pgvector ").Append(PgVector).Append(Reused ? ", reused" : ", started");
        return true;
    }
}
