using System.CommandLine;
using System.Globalization;
using TwoTower.Cli.Evaluation;
using TwoTower.Core;
using TwoTower.Trainer;
using TwoTower.Trainer.Evaluation.Protocols;
using TwoTower.Trainer.Evaluation.Results;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower evaluate</c>: how well recipes and baselines retrieve what viewers like.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<string?> Data = new("--data") { Description = "A folder with one CSV per table, .csv or .csv.gz (docs/data.md).", HelpName = "DIR" };
    private static readonly Option<string?> MovieLens = new("--movielens") { Description = "MovieLens' own files: the folder of ml-latest-small, ml-25m or ml-1m.", HelpName = "DIR" };
    private static readonly Option<bool> Generate = new("--generate") { Description = "The made-up world of the demo, ending on 2025-06-01." };
    private static readonly Option<int?> Viewers = NumberOption.Create("--viewers", "Viewers of the made-up world.", 1, 1_000_000);
    private static readonly Option<int?> Videos = NumberOption.Create("--videos", "Videos of the made-up world.", 1, 1_000_000);

    private static readonly Option<string> Protocol = Choice(
        "--protocol", "What is held out: viewers, viewers and videos, or the future.", EvaluateOptions.HeldOutUsers,
        EvaluateOptions.HeldOutUsers, EvaluateOptions.ColdItems, EvaluateOptions.Time);

    private static readonly Option<string> Split = Choice("--split", "Which held-out viewers are asked: choose on validation, report on test.", "validation", "validation", "test");
    private static readonly Option<string> ValidationSuffix = Digits("--validation-suffix", "Digits that the numbers of validation viewers end in.", "1");
    private static readonly Option<string> TestSuffix = Digits("--test-suffix", "Digits that the numbers of test viewers end in.", "0");

    private static readonly Option<string[]> Recipe = new("--recipe")
    {
        Description = "A recipe by name or the path of a JSON file; may be repeated.",
        HelpName = "NAME|FILE",
    };

    private static readonly Option<string[]> Baseline = new("--baseline")
    {
        Description = "popularity, like-ratio, content, item-knn, ease or ials; may be repeated. All when left out; none leaves them out.",
        HelpName = "NAME",
    };

    private static readonly Option<string> Seeds = new("--seeds") { Description = "Seeds to train with; numbers are means over them.", HelpName = "N,N,…", DefaultValueFactory = _ => "42" };
    private static readonly Option<bool> ReRank = new("--rerank") { Description = "Measure each recipe a second time, re-ranked as the API does it." };
    private static readonly Option<string?> Reference = new("--reference") { Description = "Show each contender's difference to this one, with paired intervals.", HelpName = "NAME" };
    private static readonly Option<int?> Rounds = NumberOption.Create("--bootstrap", "Draws of the bootstrap; 0 shows no intervals.", 0, 100_000, Bootstrap.DefaultRounds);
    private static readonly Option<string?> Dump = new("--dump") { Description = "Write viewer,rank,video,score of the first 100 of each viewer.", HelpName = "FILE" };

    private static readonly Option<string?> Report = new("--report") { Description = "Write one page with tables and plots, readable without a network.", HelpName = "FILE" };

    private static readonly Option<int?> Live = NumberOption.Create(
        "--live", "Ask the live API for this many viewers too, in a scratch database beside the one named that is dropped in the end.", 1, 100_000);

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "evaluate", "Measure how well recipes and baselines find what viewers like.",
            """
            Trains each recipe on part of the data, asks it through the product's own feature path for the rest, and shows it beside what is
            simple and good. docs/evaluation.md explains protocols and metrics. Nothing is registered or activated; without --data,
            --movielens or --generate the rows come from the database.

            Examples:
              twotower evaluate --data path/to/tables --recipe v2
              twotower evaluate --movielens path/to/ml-1m --recipe v2 --recipe mine.json --seeds 42,43,44
              twotower evaluate --protocol time --recipe v2 --baseline popularity --reference popularity
              twotower evaluate --recipe v2 --dump rankings.csv --json
              twotower evaluate --data path/to/tables --recipe v2 --live 200 --report evaluation.html
            """)
        {
            Data, MovieLens, Generate, Viewers, Videos, CommonOptions.Database, Protocol, Split, ValidationSuffix, TestSuffix, Recipe, CommonOptions.Set,
            CommonOptions.Epochs, Baseline, Seeds, ReRank, Reference, Rounds, Dump, Report, Live, CommonOptions.Device, CommonOptions.Threads,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(Data) is null ? 0 : 1) + (result.GetValue(MovieLens) is null ? 0 : 1) + (result.GetValue(Generate) ? 1 : 0) > 1)
            {
                result.AddError("--data, --movielens and --generate are different sources: give one of them");
            }
        });
        host.Handle(command, session => new EvaluateRun(session, Read(session.Parse)).RunAsync());
        return command;
    }

    private static EvaluateOptions Read(ParseResult parse) => new()
    {
        Data = new(parse.GetValue(Data), parse.GetValue(MovieLens), parse.GetValue(Generate), parse.GetValue(Viewers), parse.GetValue(Videos)),
        Protocol = parse.GetValue(Protocol)!,
        Suffixes = new(parse.GetValue(ValidationSuffix)!, parse.GetValue(TestSuffix)!),
        Group = parse.GetValue(Split) == "test" ? HeldOutGroup.Test : HeldOutGroup.Validation,
        Recipes = parse.GetValue(Recipe) ?? [],
        Overrides = CommonOptions.Overrides(parse),
        Baselines = parse.GetValue(Baseline) ?? [],
        Seeds = ReadSeeds(parse.GetValue(Seeds)!),
        ReRank = parse.GetValue(ReRank),
        Reference = parse.GetValue(Reference),
        BootstrapRounds = parse.GetValue(Rounds) ?? Bootstrap.DefaultRounds,
        Dump = parse.GetValue(Dump),
        Report = parse.GetValue(Report),
        Live = parse.GetValue(Live),
        Device = Enum.Parse<TrainingDevice>(parse.GetValue(CommonOptions.Device) ?? "auto", ignoreCase: true),
        Threads = parse.GetValue(CommonOptions.Threads) ?? 0,
    };

    private static List<int> ReadSeeds(string text)
    {
        var seeds = text.Split(',', StringSplitOptions.TrimEntries)
            .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : -1).ToList();
        return seeds.Contains(-1) || seeds.Distinct().Count() < seeds.Count
            ? throw new InputException($"--seeds {text} is not a list of different whole numbers: write it like 42,43,44")
            : seeds;
    }

    private static Option<string> Choice(string name, string description, string defaultValue, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static Option<string> Digits(string name, string description, string defaultValue) =>
        new(name) { Description = description, HelpName = "DIGITS", DefaultValueFactory = _ => defaultValue };
}
