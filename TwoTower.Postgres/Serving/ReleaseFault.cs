using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// Whose fault a failure is. It is a release's only where it happens in what the release brings, whatever a client sends: its tower, or a
/// search of its vectors that fails without the client's filters, too. That is said as <see cref="NoAnswer.NoUsableRelease"/>; nothing else counts
/// against a release.
/// </summary>
internal static class ReleaseFault
{
    /// <summary>True of an answer that wasn't given because of the release.</summary>
    public static bool Is(Exception failure) => failure is RecommendationException { Why: NoAnswer.NoUsableRelease };

    /// <summary>False when the cause is known already: the client left, the database is away, isn't migrated or refuses the role, another
    /// release is active now, it is said.</summary>
    public static bool IsPossible(Exception failure) => failure switch
    {
        OperationCanceledException or StaleReleaseException or RecommendationException or IOException => false,
        _ => !DatabaseErrors.IsPassing(failure) && !DatabaseErrors.LacksPart(failure)
            && DatabaseErrors.FaultOf(failure) is not (DatabaseFault.Cancelled or DatabaseFault.Denied),
    };
}
