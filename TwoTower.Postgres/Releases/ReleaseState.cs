namespace TwoTower.Postgres.Releases;

/// <summary>Where a release is in its life; the database enforces which state may follow which (docs/releases.md).</summary>
internal enum ReleaseState
{
    /// <summary>Registered: its files are in the store, it has no vectors.</summary>
    Trained,

    /// <summary>Its table of vectors is being filled or indexed.</summary>
    Embedding,

    /// <summary>Complete and checked; can be activated. What was active before is here too, with its vectors.</summary>
    Ready,

    /// <summary>The one that is served.</summary>
    Active,

    /// <summary>Its vectors are dropped. Final.</summary>
    Retired,

    /// <summary>Something was wrong with it; <see cref="Release.StateReason"/> says what. Embedding may be tried again.</summary>
    Failed,
}

/// <summary>Type of a release's vectors in Postgres.</summary>
public enum VectorType
{
    /// <summary>pgvector's <c>vector</c>, 4 bytes a number, up to 2,000 of them under an index.</summary>
    Vector,

    /// <summary>pgvector's <c>halfvec</c>, 2 bytes a number, up to 4,000 of them under an index; needs pgvector 0.7.</summary>
    HalfVec,
}
