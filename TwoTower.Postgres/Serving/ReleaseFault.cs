using System.Net.Sockets;
using Npgsql;

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
        // Shutting down or starting (57P…), out of resources (53…), connection lost (08…): not the release.
        PostgresException e => !e.IsTransient && e.SqlState is not (['5', '7', ..] or ['5', '3', ..] or ['0', '8', ..]),
        NpgsqlException or SocketException or TimeoutException or IOException => false,
        _ => true,
    };
}
