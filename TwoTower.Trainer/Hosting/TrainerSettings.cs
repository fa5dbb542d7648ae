using System.ComponentModel.DataAnnotations;
using TwoTower.Core.Configuration;
using TwoTower.Training;

namespace TwoTower.Trainer.Hosting;

/// <summary>Configuration of the trainer process, section <c>TwoTower:Trainer</c> (environment <c>TwoTower__Trainer__Device</c>
/// …).</summary>
internal sealed class TrainerSettings
{
    /// <summary>Name of the section.</summary>
    public const string Section = "TwoTower:Trainer";

    /// <summary>A built-in recipe or the path of one.</summary>
    [Required]
    public string Recipe { get; set; } = RecipeReader.DefaultName;

    /// <summary>Where the arithmetic runs: auto, cpu or cuda.</summary>
    public TrainingDevice Device { get; set; } = TrainingDevice.Auto;

    /// <summary>Threads; 0 = one a physical core.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>
    /// The checkpoint's file; empty writes none. Left out: one for each database, in TWOTOWER_HOME or else the user's data folder
    /// (<see cref="CheckpointFolder"/>).
    /// </summary>
    public string? Checkpoint { get; set; }

    /// <summary>Go on from the checkpoint of an interrupted training of the same settings and data.</summary>
    public bool Resume { get; set; } = true;

    /// <summary>Seconds to wait for a database that is still starting.</summary>
    [Range(0, 86_400)]
    public int DatabasePatienceSeconds { get; set; } = 120;
}
