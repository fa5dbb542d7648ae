using TwoTower.Torture.Scenarios;

namespace TwoTower.Torture;

/// <summary>What came of a run; a scenario that was left out is null.</summary>
internal sealed record TortureReport
{
    public required TortureOptions Options { get; init; }

    public ChangingReleasesResult? Releases { get; init; }

    public DimensionsResult? Dimensions { get; init; }

    public DatabaseRestartsResult? Database { get; init; }

    public KillsResult? Kills { get; init; }

    public StrainsResult? Strains { get; init; }

    public EdgeChangesResult? Edge { get; init; }

    /// <summary>How much was wrong in all.</summary>
    public int Wrong =>
        (Releases?.Wrong ?? 0) + (Dimensions?.Wrong ?? 0) + (Database?.Wrong ?? 0) + (Kills?.Wrong ?? 0) + (Strains?.Wrong ?? 0)
        + (Edge?.Wrong ?? 0);
}
