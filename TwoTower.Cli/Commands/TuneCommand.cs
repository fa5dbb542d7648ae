using System.CommandLine;
using TwoTower.Cli.Evaluation;
using TwoTower.Cli.Hosting;
using TwoTower.Evaluation;
using TwoTower.Evaluation.Protocols;
using TwoTower.Evaluation.Tuning;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Training;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower tune</c>: search for a recipe that retrieves better.</summary>
internal static class TuneCommand
{
    private static readonly Option<string?> Space = new("--space")
    {
        Description = "What may be set, and within which bounds: v2, v3 or the path of a JSON file (docs/tuning.md). The one for the recipe's kind when left out.",
        HelpName = "NAME|FILE",
    };

    private static readonly Option<string> Split = new("--split")
    {
        Description = "Which held-out users are asked: a search takes validation and nothing else.",
        HelpName = "validation",
        DefaultValueFactory = _ => "validation",
    };

    private static readonly Option<string> Objective = new("--objective")
    {
        Description = "What to look for the most of: metrics of evaluate, several with commas and weights (recall@20,2*ndcg@100); where less is better, the least.",
        HelpName = "METRIC,…",
        DefaultValueFactory = _ => "recall@20",
    };

    private static readonly Option<string[]> Require = new("--require")
    {
        Description = "What must hold besides, such as 'uauc>=0.81' or 'nope@20<=0.007'; may be repeated.",
        HelpName = "METRIC>=N",
    };

    private static readonly Option<int?> Trials = NumberOption.Create("--trials", "Trials in all, those of earlier runs included.", 1, 100_000, 40);

    private static readonly Option<TimeSpan?> Time = DurationOption.Create(
        "--budget", "Begin no trial that would bring the time of all trials, those of earlier runs included, over this: 30m, 8h.");

    private static readonly Option<string> StudyFolder = new("--study") { Description = "Folder of the search, where it goes on after an interruption.", HelpName = "DIR", Required = true };

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "tune", "Search for settings of a recipe that find more of what users like.",
            """
            Trains and evaluates one choice of settings after another, beginning with the recipe itself. Each finished trial is a line in the study's
            folder: after Ctrl-C or a kill the same command goes on. best.json there is the best recipe, complete, for train --recipe.
            docs/tuning.md explains the space's file, the search and what to make of its result. The data is chosen as for evaluate.

            Examples:
              twotower tune --data path/to/tables --recipe v3 --study studies/v3 --trials 40 --budget 2h
              twotower tune --data path/to/tables --recipe v3 --objective recall@20 --require 'uauc>=0.81' --study studies/v3
              twotower tune --recipe mine.json --space mine.space.json --seeds 42,43 --study studies/mine --json
            """);
        DataOptions.AddTo(command);
        ProtocolOptions.AddTo(command);
        foreach (var option in new Option[]
        {
            Split, CommonOptions.Recipe, CommonOptions.Set, CommonOptions.Epochs, Space, Objective, Require, Trials, Time, StudyFolder,
            CommonOptions.Device,
            CommonOptions.Threads,
        })
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(Split) is { } split and not "validation")
            {
                result.AddError(split == "test"
                    ? "--split test: what is chosen on the test users can't be measured on them any more; search on validation, and evaluate the result on test once"
                    : $"--split {split} is not validation, the only users that a search may ask");
            }
        });
        host.Handle(command, session =>
        {
            var options = Read(session);
            return new TuneRun(new EvaluationSession(session), options, Show).RunAsync();

            void Show(Tuned tuned) => session.Terminal.Result(tuned, () => TuneTables.Show(session.Terminal, tuned.Trials, options.Goal));
        });
        return command;
    }

    private static TuneOptions Read(Session session)
    {
        var (parse, data) = (session.Parse, DataOptions.Read(session.Parse));
        return new()
        {
            Data = videoFeatures => data.ReadAsync(session, videoFeatures),
            Protocol = ProtocolOptions.Read(parse, HeldOutGroup.Validation),
            Recipe = parse.GetValue(CommonOptions.Recipe)!,
            Overrides = CommonOptions.Overrides(parse),
            Space = parse.GetValue(Space),
            Goal = Goal.Parse(parse.GetValue(Objective)!, parse.GetValue(Require) ?? []),
            Budget = new(parse.GetValue(Trials) ?? 40, parse.GetValue(Time)),
            Seeds = ProtocolOptions.ReadSeeds(parse),
            Study = parse.GetValue(StudyFolder)!,
            Device = Enum.Parse<TrainingDevice>(parse.GetValue(CommonOptions.Device) ?? "auto", ignoreCase: true),
            Threads = parse.GetValue(CommonOptions.Threads) ?? 0,
        };
    }
}
