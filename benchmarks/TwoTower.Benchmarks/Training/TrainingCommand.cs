using System.CommandLine;

namespace TwoTower.Benchmarks.Training;

/// <summary>The verb <c>training</c>: from tables to a checkpoint, with and without the shortcuts.</summary>
internal static class TrainingCommand
{
    public static Command Create()
    {
        var data = new Option<string?>("--data") { Description = "Folder with one CSV per table (shared/data/films-small)." };
        var connection = new Option<string?>("--connection") { Description = "A migrated and loaded database instead of a folder; its reading is measured too." };
        var epochs = new Option<int>("--epochs") { Description = "Exactly so many.", DefaultValueFactory = _ => 20 };
        var threads = new Option<int>("--threads") { Description = "0 = physical cores." };
        var cases = new Option<string[]>("--case")
        {
            Description = "shortcuts:batch; shortcuts are none, exact or shareddropout.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["none:256", "exact:256", "shareddropout:256", "none:2048", "shareddropout:2048"],
        };
        var single = new Option<bool>("--in-this-process") { Description = "Run one case and print its row only.", Hidden = true };
        var command = new Command("training", "Tables to checkpoint: time, samples a second, best validation loss, peak memory; one process a case.")
        {
            data, connection, epochs, threads, cases, single,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(data) is null == result.GetValue(connection) is null) result.AddError("Give either --data or --connection.");
        });
        command.SetAction((parsed, ct) =>
        {
            var benchmark =
                new TrainingBenchmark(
                    parsed.GetValue(data), parsed.GetValue(connection), parsed.GetValue(epochs), parsed.GetValue(threads));
            return parsed.GetValue(single)
                ? benchmark.RunHereAsync(parsed.GetValue(cases)![0], ct) : benchmark.RunAsync(parsed.GetValue(cases)!, ct);
        });
        return command;
    }
}
