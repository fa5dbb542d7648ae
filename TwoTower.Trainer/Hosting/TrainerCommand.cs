using System.CommandLine;
using TwoTower.Core.Configuration;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Trainer.Hosting;

/// <summary>The process's arguments. Everything else is configuration: <see cref="TrainerSettings"/>, <c>ConnectionStrings:twotower</c>.</summary>
internal static class TrainerCommand
{
    /// <summary>Builds the command.</summary>
    /// <param name="defaultRecipe">What <c>--recipe</c> is without it.</param>
    /// <param name="run">Does the work; gives the exit code.</param>
    /// <param name="say">Told in one line what is odd about the recipe.</param>
    public static RootCommand Create(string defaultRecipe, Func<RoundOptions, CancellationToken, Task<int>> run, Action<string>? say = null)
    {
        var recipe = new Option<string>("--recipe") { Description = "Built-in recipe or path of one.", DefaultValueFactory = _ => defaultRecipe };
        var set = new Option<string[]>("--set") { Description = "A key of the recipe, such as training.epochs=5. Repeatable.", DefaultValueFactory = _ => [] };
        var ifNeeded = new Option<bool>("--if-needed") { Description = "Do nothing where a release is already trained, ready or active." };
        var allowNothing = new Option<bool>("--allow-nothing") { Description = "Exit with 0 instead of 3 when there is nothing to train on." };
        var every = DurationOption.Create("--every", "Train again after this pause, such as 6h, 30m or 1d, until stopped.");
        var command = new RootCommand("Trains a release from the database's decisions and registers it.") { recipe, set, ifNeeded, allowNothing, every };
        command.SetAction((parsed, ct) => run(
            new(
                RecipeReader.Read(parsed.GetValue(recipe)!, parsed.GetValue(set)!, Environment.GetEnvironmentVariables(), say),
                parsed.GetValue(ifNeeded), parsed.GetValue(allowNothing), parsed.GetValue(every)),
            ct));
        return command;
    }
}
