using System.ComponentModel.DataAnnotations;

namespace TwoTower.Datasets.Generation;

/// <summary>How large a made-up catalogue is, and which.</summary>
internal sealed record GeneratorOptions
{
    /// <summary>Users with a profile.</summary>
    [Range(1, 1_000_000)]
    public int Users { get; init; } = 2_000;

    /// <summary>Videos.</summary>
    [Range(1, 1_000_000)]
    public int Videos { get; init; } = 5_000;

    /// <summary>The same seed, sizes and anchor give the same catalogue.</summary>
    [Range(0, int.MaxValue)]
    public int Seed { get; init; } = 42;

    /// <summary>The moment that the catalogue ends at: nothing in it is later, and the newest of it is days old.</summary>
    public required DateTimeOffset Anchor { get; init; }
}
