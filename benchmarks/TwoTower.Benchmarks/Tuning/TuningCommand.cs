using System.CommandLine;

namespace TwoTower.Benchmarks.Tuning;

/// <summary>The verb <c>tuning</c>: each knob of the contract below and above its default.</summary>
internal static class TuningCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "Folder with one CSV per table.", Required = true };
        var recipe = new Option<string>("--recipe") { Description = "What the knobs are turned on.", DefaultValueFactory = _ => "v2-taste" };
        var epochs = new Option<int>("--epochs") { Description = "At most so many.", DefaultValueFactory = _ => 25 };
        var seeds = new Option<int[]>("--seeds")
        {
            Description = "One training a seed; a row is their mean.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 2, 3],
        };
        var variants = new Option<string[]>("--change")
        {
            Description = "key=value, an empty one for none.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => TuningBenchmark.Variants,
        };
        var command = new Command("tuning", "What each knob of a recipe does to quality, speed and sizes.") { data, recipe, epochs, seeds, variants };
        command.SetAction((parsed, ct) => new TuningBenchmark(
            parsed.GetValue(data)!, parsed.GetValue(recipe)!, parsed.GetValue(epochs), parsed.GetValue(seeds)!).RunAsync(
                parsed.GetValue(variants)!, ct));
        return command;
    }
}
