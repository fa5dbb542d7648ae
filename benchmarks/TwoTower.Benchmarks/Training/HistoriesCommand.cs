using System.CommandLine;
using TwoTower.Core.Configuration;

namespace TwoTower.Benchmarks.Training;

/// <summary>The verb <c>histories</c>: recipe v3 by stage.</summary>
internal static class HistoriesCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "Folder with one CSV per table.", Required = true };
        var recipe = new Option<string>("--recipe") { Description = "One that reads histories.", DefaultValueFactory = _ => RecipeReader.DefaultName };
        var settings = new Option<string[]>("--set") { Description = "key=value of the recipe.", DefaultValueFactory = _ => [] };
        var threads = new Option<int>("--threads") { Description = "0 = physical cores." };
        var command = new Command("histories", "Tables to checkpoint with recipe v3: seconds by stage.") { data, recipe, settings, threads };
        command.SetAction((parsed, ct) => HistoriesBenchmark.RunAsync(
            parsed.GetValue(data)!, parsed.GetValue(recipe)!, parsed.GetValue(settings)!, parsed.GetValue(threads), ct));
        return command;
    }
}
