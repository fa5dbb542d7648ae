using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>The release that a request began with was retired before its search: begin again with the one that is active now.</summary>
internal sealed class StaleReleaseException(string message, Exception inner) : Exception(message, inner);

/// <summary>What the search functions refuse, by their own codes.</summary>
internal static class SearchErrors
{
    public static Exception? Explain(PostgresException e) => DatabaseErrors.RuleOf(e) switch
    {
        DatabaseRules.StaleRelease => new StaleReleaseException(e.MessageText, e),
        // Dropped between the function's look at the catalogue and its scan.
        _ when DatabaseErrors.FaultOf(e) == DatabaseFault.NotMigrated && e.MessageText.Contains("two_tower.video_embeddings_", StringComparison.Ordinal) =>
            new StaleReleaseException(e.MessageText, e),
        DatabaseRules.NothingActive => new RecommendationException(NoAnswer.NoUsableRelease, NoRelease, e),
        DatabaseRules.NoVideo => new RecommendationException(NoAnswer.UnknownVideo, $"{char.ToUpperInvariant(e.MessageText[0])}{e.MessageText[1..]}.", e),
        DatabaseRules.NoVector => new RecommendationException(
            NoAnswer.VideoWithoutVector, $"{char.ToUpperInvariant(e.MessageText[0])}{e.MessageText[1..]}: its release's embedder has not come to it.", e),
        _ => null,
    };

    public const string NoRelease =
        "No release is active: recommendations by taste need a trained, embedded and activated one. Popular videos and decisions work.";
}
