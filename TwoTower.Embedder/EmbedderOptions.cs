using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Embedder;

/// <summary>The worker's options. Configuration section <c>TwoTower:Embedder</c>.</summary>
public sealed record EmbedderOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Embedder";

    /// <summary>Pause between two looks at the database.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Activate a release that passed the gate when no other is active: a new deployment serves its first model by itself.</summary>
    public bool ActivateFirst { get; init; }

    /// <summary>
    /// Activate every release that passed the gate, beside the live one. False: an operator does ('twotower releases activate'). An
    /// imported release is activated by its import, when that is told to.
    /// </summary>
    public bool Activate { get; init; }

    /// <summary>New videos embedded at one look, at most.</summary>
    [Range(1, 1_000_000)]
    public int FollowRows { get; init; } = 10_000;

    /// <summary>How a release is embedded.</summary>
    [ValidateObjectMembers]
    public EmbedOptions Embedding { get; init; } = new();
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
public sealed partial class EmbedderOptionsValidator : IValidateOptions<EmbedderOptions>;
