using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Settings;

/// <summary>How releases are embedded. Configuration section <c>TwoTower:Embedder:Embedding</c>.</summary>
public sealed record EmbedOptions
{
    /// <summary>How vectors are stored; null keeps what the release was registered with. halfvec halves the size of table and
    /// index.</summary>
    public VectorType? VectorType { get; init; }

    /// <summary>Videos of a share of a new release: read, encoded and committed together.</summary>
    [Range(1, 100_000)]
    public int ChunkRows { get; init; } = 1000;

    /// <summary>Shares of a new release, or batches of changed videos, at work at once, each on a connection of its own.</summary>
    [Range(1, 64)]
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 8);

    /// <summary>The HNSW index.</summary>
    [ValidateObjectMembers]
    public VectorIndexOptions Index { get; init; } = new();

    /// <summary>What the gate asks; section <c>TwoTower:Gate</c> where the embedder runs as a service.</summary>
    [ValidateObjectMembers]
    public GateOptions Gate { get; init; } = new();

    /// <summary>Activate the release when it is ready.</summary>
    public bool Activate { get; init; }

    /// <summary>Keep <c>public.video_embeddings</c> in step with the active release, where they fit (docs/embedding.md).</summary>
    public bool SyncPublicTable { get; init; } = true;

    /// <summary>Who is recorded as having moved the release.</summary>
    [Required]
    public string Actor { get; init; } = "embedder";

    /// <summary>After this long without a sign of life another process may go on with a release, a share of one, or changed
    /// videos.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);
}
