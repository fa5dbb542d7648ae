using TwoTower.Core.Configuration;

namespace TwoTower.Cli.Demo;

/// <summary>What <c>twotower demo</c> was asked for.</summary>
internal sealed record DemoOptions
{
    public required DemoSource Source { get; init; }

    public required Recipe Recipe { get; init; }

    public required int Port { get; init; }

    /// <summary>Drop the demo's own database first.</summary>
    public bool Fresh { get; init; }

    /// <summary>End after printing.</summary>
    public bool Exit { get; init; }
}
