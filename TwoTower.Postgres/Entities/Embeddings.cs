using Pgvector;

namespace TwoTower.Postgres.Entities;

/// <summary>
/// A row of <c>public.video_embeddings</c>, kept in step with the active release for readers of the original tables. Our own search
/// reads the release's table.
/// </summary>
internal sealed class VideoEmbedding
{
    /// <summary>The video.</summary>
    public required Guid VideoId { get; set; }

    /// <summary>Its embedding, 256 numbers of unit length.</summary>
    public required Vector Embedding { get; set; }

    /// <summary>When it was written.</summary>
    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>A row of <c>public.user_embeddings</c>: the original's cache, which nothing of ours reads.</summary>
internal sealed class UserEmbedding
{
    /// <summary>The user.</summary>
    public required Guid UserId { get; set; }

    /// <summary>The embedding, 256 numbers of unit length.</summary>
    public required Vector Embedding { get; set; }

    /// <summary>When it was written.</summary>
    public DateTimeOffset UpdatedAt { get; set; }
}
