using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>Whose fault a failure is: the release's, or that of the database being away or the client leaving.</summary>
internal static class ReleaseFault
{
    /// <summary>True when the release that was to answer is why there is no answer: its files, its tower, its vectors.</summary>
    public static bool Is(Exception failure) => failure switch
    {
        OperationCanceledException or StaleReleaseException => false,      // a stale one is asked again
        RecommendationException { Why: NoAnswer.NoUsableRelease } => true,
        RecommendationException => false,
        IOException => false,
        _ => !DatabaseErrors.IsPassing(failure) && DatabaseErrors.FaultOf(failure) != DatabaseFault.Cancelled,
    };
}
