using TwoTower.Core.Configuration;

namespace TwoTower.Cli.Demo;

/// <summary>What <c>twotower demo</c> was asked for.</summary>
internal sealed record DemoOptions
{
    /// <summary>The recipe unless one is named: the contract's model, trained with larger batches so that nobody waits long.</summary>
    public const string DefaultRecipe = "v2-taste";

    public required DemoSource Source { get; init; }

    public required Recipe Recipe { get; init; }

    public required int Port { get; init; }

    /// <summary>Drop the demo's own database first.</summary>
    public bool Fresh { get; init; }

    /// <summary>End after printing.</summary>
    public bool Exit { get; init; }
}
