using System.CommandLine;
using System.Reflection;
using BenchmarkDotNet.Running;
using TwoTower.Benchmarks.Embedding;
using TwoTower.Benchmarks.Importing;
using TwoTower.Benchmarks.Serving;
using TwoTower.Benchmarks.Training;
using TwoTower.Benchmarks.Tuning;

// Whole paths, measured by stage, have a verb each; everything else is BenchmarkDotNet's.
Command[] verbs =
[
    TrainingCommand.Create(), HistoriesCommand.Create(), EmbeddingCommand.Create(), FollowingCommand.Create(), ServingCommand.Create(),
    FiltersCommand.Create(), EdgeCommand.Create(), TuningCommand.Create(),
    ImportCommand.Create(),
];
if (args.Length > 0 && verbs.FirstOrDefault(verb => verb.Name == args[0]) is { } chosen)
{
    return await new RootCommand("Benchmarks of TwoTower") { chosen }.Parse(args).InvokeAsync();
}

BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(args);
return 0;
