using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;

namespace TwoTower.Web.Releases;

/// <summary>Why something is done to a release; it is kept in the history, with the name of the key.</summary>
public sealed record ReleaseActionRequest
{
    /// <summary>Not kept any more: the actor in the history is the name of the key.</summary>
    [StringLength(100)]
    public string? Actor { get; init; }

    /// <summary>Why.</summary>
    [StringLength(1000)]
    public string? Reason { get; init; }
}

/// <summary>What retention keeps.</summary>
public sealed record PruneRequest
{
    /// <summary>Not kept any more: the actor in the history is the name of the key.</summary>
    [StringLength(100)]
    public string? Actor { get; init; }

    /// <summary>How many of the newest releases with vectors stay, the active one included.</summary>
    [Range(1, 1000)]
    [DefaultValue(3)]
    public int Keep { get; set; } = 3; // set, not init: what a body leaves out keeps it

    /// <summary>True only says what would be retired.</summary>
    [DefaultValue(false)]
    public bool DryRun { get; init; }
}

/// <summary>A release's state, by its name in JSON.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ReleaseStateNameAttribute()
    : AllowedValuesAttribute([.. Enum.GetValues<ReleaseState>().Select(ReleaseResponse.Name)]);

/// <summary>A release.</summary>
/// <param name="State">trained, embedding, ready, active, retired or failed.</param>
/// <param name="StateReason">Why it is there.</param>
/// <param name="StateAt">Since when, by the database's clock.</param>
/// <param name="Imported">True for a bundle that another program or database made.</param>
/// <param name="Recipe">What was trained.</param>
/// <param name="EmbeddingDim">Length of a vector.</param>
/// <param name="CreatedAt">When it was registered.</param>
internal sealed record ReleaseResponse(
    string ModelVersion, [property: ReleaseStateName] string State,
    string? StateReason, DateTimeOffset StateAt, bool Imported, string? Recipe, int EmbeddingDim,
    DateTimeOffset CreatedAt)
{
    internal static ReleaseResponse From(Release release) => new(
        release.ModelVersion, Name(release.State), release.StateReason, release.StateAt, release.Imported, release.Recipe,
        release.EmbeddingDim, release.CreatedAt);

    internal static string Name(ReleaseState state) => state.ToString().ToLowerInvariant();
}

/// <summary>All releases.</summary>
/// <param name="Releases">Newest first.</param>
internal sealed record ReleasesResponse(IReadOnlyList<ReleaseResponse> Releases);

/// <summary>A change of state.</summary>
/// <param name="From">Null: it was registered.</param>
/// <param name="To">The state it went to.</param>
/// <param name="At">When, by the database's clock.</param>
internal sealed record TransitionResponse(
    [property: ReleaseStateName] string? From,
    [property: ReleaseStateName] string To,
    DateTimeOffset At, string Actor, string? Reason);

/// <summary>A run of the gate.</summary>
/// <param name="Run">Its number.</param>
/// <param name="At">When, by the database's clock.</param>
/// <param name="Passed">What it decided.</param>
/// <param name="ComparedWith">The release that was live.</param>
/// <param name="Reason">What failed.</param>
internal sealed record GateRunResponse(long Run, DateTimeOffset At, string Actor, bool Passed, string? ComparedWith, string? Reason);

/// <summary>A release with its history.</summary>
/// <param name="Needed">Why retention leaves it alone; empty: it doesn't.</param>
/// <param name="History">Every change of state, oldest first.</param>
/// <param name="GateRuns">Runs of the gate, newest first.</param>
/// <param name="Activations">The activations that it came or went by, newest first; an automatic rollback with its numbers.</param>
/// <param name="Files">Its files; freed ones of a retired release are gone but for this.</param>
internal sealed record ReleaseDetailsResponse(
    ReleaseResponse Release, IReadOnlyList<string> Needed, IReadOnlyList<TransitionResponse> History,
    IReadOnlyList<GateRunResponse> GateRuns,
    IReadOnlyList<RecordedActivation> Activations, IReadOnlyList<StoredFile> Files);

/// <summary>What the gate found.</summary>
/// <param name="Run">Number of the recorded run.</param>
/// <param name="ModelVersion">The release.</param>
/// <param name="Passed">True when nothing failed.</param>
/// <param name="Reason">What failed.</param>
/// <param name="ComparedWith">The live release that it was measured against.</param>
/// <param name="Checks">Each check, in order.</param>
/// <param name="Quality">Both releases' quality, where it was measured.</param>
internal sealed record GateResponse(
    long Run, string ModelVersion, bool Passed, string? Reason, string? ComparedWith, IReadOnlyList<GateCheck> Checks,
    GateQuality? Quality);

/// <summary>What is served now.</summary>
/// <param name="ModelVersion">The release that is active.</param>
/// <param name="Previous">The one that was before.</param>
/// <param name="Changed">False when it was active already.</param>
internal sealed record ActivationResponse(string ModelVersion, string? Previous, bool Changed);

/// <summary>A retirement.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="VectorsDropped">False: somebody is still reading them; the next prune drops them.</param>
internal sealed record RetirementResponse(string ModelVersion, bool VectorsDropped);

/// <summary>A pin.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="Pinned">True: retention leaves it alone.</param>
internal sealed record PinResponse(string ModelVersion, bool Pinned);

/// <summary>An import.</summary>
/// <param name="Release">The release that the bundle is now.</param>
/// <param name="Videos">Videos that have a vector in it.</param>
/// <param name="Skipped">Vectors of the bundle whose video isn't here.</param>
/// <param name="WithoutVector">Videos that have none in it.</param>
/// <param name="Activated">True when it was activated now.</param>
/// <param name="Warnings">What a person should know.</param>
internal sealed record ImportResponse(
    ReleaseResponse Release, long Videos, long Skipped, long WithoutVector, bool Activated, IReadOnlyList<string> Warnings);
