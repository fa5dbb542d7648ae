namespace TwoTower.Postgres.Serving;

/// <summary>Why there is no answer.</summary>
internal enum NoAnswer
{
    /// <summary>No release is active, or the active one can't be loaded or searched.</summary>
    NoUsableRelease,

    /// <summary>There is no such video, or it is hidden.</summary>
    UnknownVideo,

    /// <summary>The video is there, but the release has no vector of it, and no item tower to make one.</summary>
    VideoWithoutVector,
}

/// <summary>A question that can't be answered now; never an empty list instead. The message is fit to be shown.</summary>
internal sealed class RecommendationException : Exception
{
    /// <summary>Creates the error.</summary>
    public RecommendationException(NoAnswer why, string message, Exception? innerException = null) : base(message, innerException) =>
        Why = why;

    /// <summary>Why.</summary>
    public NoAnswer Why { get; }
}
