using System.ComponentModel.DataAnnotations;
using TwoTower.Postgres.Experiments;

namespace TwoTower.Web.Experiments;

/// <summary>An experiment to start.</summary>
public sealed record ExperimentRequest
{
    /// <summary>The release that a share of the users gets; it must be ready.</summary>
    [Required]
    public required string ModelVersion { get; init; }

    /// <summary>Share of all users, more than 0 and less than 1.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public required double Share { get; init; }

    /// <summary>Draws the users: the same salt, the same ones. Left out, each experiment has its own.</summary>
    [StringLength(100)]
    public string? Salt { get; init; }

    /// <summary>Not kept any more: the actor in the history is the name of the key.</summary>
    [StringLength(100)]
    public string? Actor { get; init; }

    /// <summary>Why.</summary>
    [StringLength(1000)]
    public string? Reason { get; init; }
}

/// <summary>All experiments.</summary>
/// <param name="Experiments">Newest first; at most the first is running (<c>stoppedAt</c> is null).</param>
internal sealed record ExperimentsResponse(IReadOnlyList<Experiment> Experiments);
