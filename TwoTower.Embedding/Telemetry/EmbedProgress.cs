namespace TwoTower.Embedding.Telemetry;

/// <summary>What is being done to a release.</summary>
internal enum EmbedStage
{
    /// <summary>Another process holds the release; waiting for it to finish or to fall silent.</summary>
    Waiting,

    /// <summary>Reading, encoding and storing videos.</summary>
    Embedding,

    /// <summary>Building the index.</summary>
    Indexing,

    /// <summary>Checking what was built.</summary>
    Checking,

    /// <summary>Bringing public.video_embeddings in step.</summary>
    Syncing,
}

/// <summary>How far a stage is.</summary>
/// <param name="Done">Videos done.</param>
/// <param name="Total">Videos in all.</param>
/// <param name="Elapsed">Time in this stage.</param>
/// <param name="PerSecond">Videos a second since the stage began; null while none is done, and nobody can say.</param>
/// <param name="Remaining">Time left at that rate; null when that can't be said yet.</param>
internal sealed record EmbedProgress(EmbedStage Stage, long Done, long Total, TimeSpan Elapsed, double? PerSecond, TimeSpan? Remaining);

/// <summary>What an embedding did.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="Embedded">Vectors made now.</param>
/// <param name="Videos">Videos with a vector.</param>
/// <param name="Skipped">Vectors of an imported bundle whose video isn't here.</param>
/// <param name="WithoutVector">Videos that an imported bundle has no vector for, and that can't be embedded here.</param>
/// <param name="Activated">True when it was activated now.</param>
/// <param name="Stages">Time of each stage that ran.</param>
/// <param name="Warnings">What a person should know.</param>
internal sealed record EmbedResult(
    string ModelVersion, long Embedded, long Videos, long Skipped, long WithoutVector, bool Activated,
    IReadOnlyDictionary<EmbedStage, TimeSpan> Stages, IReadOnlyList<string> Warnings);
