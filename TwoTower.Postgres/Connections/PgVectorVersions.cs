#if LOCAL_POSTGRES
namespace TwoTower.LocalPostgres.Servers;
#else
namespace TwoTower.Postgres.Connections;
#endif

/// <summary>What is known of pgvector's versions. TwoTower.LocalPostgres compiles this file too.</summary>
internal static class PgVectorVersions
{
    /// <summary>Below it, VACUUM can corrupt an HNSW index.</summary>
    public static readonly Version Safe = new(0, 8, 4);

    /// <summary>Below it, a parallel index build can overflow.</summary>
    public static readonly Version SafeInParallel = new(0, 8, 2);
}
