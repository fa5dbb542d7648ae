using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Embedding.Settings;

/// <summary>The worker's options. Configuration section <c>TwoTower:Embedder</c>.</summary>
public sealed record EmbedderOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Embedder";

    /// <summary>Pause between two looks at the database.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Activate a release that passed the gate when no other is active: a new deployment serves its first model by
    /// itself.</summary>
    public bool ActivateFirst { get; init; }

    /// <summary>
    /// Activate every release that passed the gate, beside the live one. False: an operator does ('twotower releases activate'). An
    /// imported release is activated by its import, when that is told to.
    /// </summary>
    public bool Activate { get; init; }

    /// <summary>
    /// Retire releases by itself: keep so many of the newest and those that somebody needs, as 'twotower releases prune --keep' does. 0: an
    /// operator prunes.
    /// </summary>
    [Range(0, 1000)]
    public int KeepReleases { get; init; }

    /// <summary>Have the database's triggers tell which videos change. False takes them away; then a sweep compares.</summary>
    public bool Triggers { get; init; } = true;

    /// <summary>Be woken by the database (LISTEN), on a connection of its own. Without, or behind a transaction pooler, the next look finds
    /// it.</summary>
    public bool Listen { get; init; } = true;

    /// <summary>Changed videos leased, read, encoded and stored together; several such batches at once.</summary>
    [Range(1, 10_000)]
    public int FollowRows { get; init; } = 250;

    /// <summary>Time between two comparisons of all videos with their vectors where there are no triggers.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The same where there are triggers: for what goes past them, such as a restore or a replication.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromHours(6);

    /// <summary>
    /// Do what the API does beside answering: count likes, watch the active release for the automatic rollback, drop old impressions. For a
    /// project that is served at the edge alone; TwoTower:Popularity, TwoTower:Rollback and TwoTower:Impressions say how.
    /// </summary>
    public bool Upkeep { get; init; }

    /// <summary>How a release is embedded.</summary>
    [ValidateObjectMembers]
    public EmbedOptions Embedding { get; init; } = new();
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class EmbedderOptionsValidator : IValidateOptions<EmbedderOptions>;
