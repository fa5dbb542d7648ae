using System.CommandLine;
using TwoTower.Cli.Evaluation;
using TwoTower.Cli.Hosting;
using TwoTower.Evaluation;
using TwoTower.Evaluation.Protocols;
using TwoTower.Evaluation.Results;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Training;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower evaluate</c>: how well recipes and baselines retrieve what users like.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<string> Split = ProtocolOptions.Choice("--split", "Which held-out users are asked: choose on validation, report on test.", "validation", "validation", "test");

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

    private static readonly Option<string[]> BaselineSet = new("--baseline-set")
    {
        Description = "A setting of a baseline, such as ease.lambda=500, ials.dim=128 or ials.regularization=0.007; may be repeated. What isn't given is tuned on users of the training.",
        HelpName = "KEY=VALUE",
    };

    private static readonly Option<bool> ClosedForm = new("--closed-form")
    {
        Description = "Measure what the towers of history recipes learn from, too: the difference is what the towers lose.",
        Hidden = true,
    };

    private static readonly Option<bool> ReRank = new("--rerank") { Description = "Measure each recipe a second time, re-ranked as the API does it." };
    private static readonly Option<string?> Reference =
        new("--reference") { Description = "Show each model's difference to this one, with paired intervals; best-baseline is the baseline that turns out best.", HelpName = "NAME" };

    private static readonly Option<string?> Suite = new("--suite")
    {
        Description = "Evaluate every folder of table CSVs in this folder, and show one table of recipes against each set's best baseline.",
        HelpName = "DIR",
    };

    private static readonly Option<int?> Rounds = NumberOption.Create("--bootstrap", "Draws of the bootstrap; 0 shows no intervals.", 0, 100_000, Bootstrap.DefaultRounds);
    private static readonly Option<string?> Dump = new("--dump") { Description = "Write viewer,rank,video,score of the first 100 of each viewer.", HelpName = "FILE" };

    private static readonly Option<string?> Report = new("--report") { Description = "Write one page with tables and plots, readable without a network.", HelpName = "FILE" };

    private static readonly Option<int?> Live = NumberOption.Create(
        "--live", "Ask the live API for this many users too, in a scratch database beside the one named that is dropped in the end.", 1, 100_000);

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "evaluate", "Measure how well recipes and baselines find what users like.",
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
              twotower evaluate --suite path/to/folder/of/sets --recipe v3 --recipe v4 --report suite.html
            """);
        DataOptions.AddTo(command);
        ProtocolOptions.AddTo(command);
        foreach (var option in new Option[]
        {
            Split, Recipe, CommonOptions.Set, CommonOptions.Epochs, Baseline, BaselineSet, ClosedForm, ReRank, Reference, Suite, Rounds,
            Dump, Report, Live, CommonOptions.Device, CommonOptions.Threads,
        })
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(Suite) is null) return;
            if (DataOptions.IsGiven(result)) result.AddError("--suite names the data: leave out --data, --movielens and --generate");
            if (result.GetValue(Dump) is not null) result.AddError("--dump writes the rankings of one set: evaluate it with --data instead of --suite");
            if (result.GetValue(Live) is not null) result.AddError("--live asks about one set: evaluate it with --data instead of --suite");
        });
        host.Handle(command, async session =>
        {
            if (session.Parse.GetValue(Suite) is { } folder)
            {
                var suite =
                    await new SuiteRun(new EvaluationSession(session), Read(session), DataOptions.Suite(session, folder)).RunAsync();
                session.Terminal.Result(suite, () => EvaluationTables.Show(session.Terminal, suite));
                return;
            }

            var evaluation = await new EvaluateRun(new EvaluationSession(session), Read(session)).RunAsync();
            session.Terminal.Result(evaluation, () => EvaluationTables.Show(session.Terminal, evaluation));
        });
        return command;
    }

    private static EvaluateOptions Read(Session session)
    {
        var (parse, data) = (session.Parse, DataOptions.Read(session.Parse));
        return new()
        {
            Data = videoFeatures => data.ReadAsync(session, videoFeatures, givenIds: parse.GetValue(Dump) is not null),
            Protocol = ProtocolOptions.Read(parse, parse.GetValue(Split) == "test" ? HeldOutGroup.Test : HeldOutGroup.Validation),
            Recipes = parse.GetValue(Recipe) ?? [],
            Overrides = CommonOptions.Overrides(parse),
            Baselines = parse.GetValue(Baseline) ?? [],
            BaselineSettings = parse.GetValue(BaselineSet) ?? [],
            ClosedForms = parse.GetValue(ClosedForm),
            Seeds = ProtocolOptions.ReadSeeds(parse),
            ReRank = parse.GetValue(ReRank),
            Reference = parse.GetValue(Reference),
            BootstrapRounds = parse.GetValue(Rounds) ?? Bootstrap.DefaultRounds,
            Dump = parse.GetValue(Dump),
            Report = parse.GetValue(Report),
            Live = parse.GetValue(Live) is { } queries ? splits => LiveEvaluation.CreateAsync(session, splits, queries) : null,
            Device = Enum.Parse<TrainingDevice>(parse.GetValue(CommonOptions.Device) ?? "auto", ignoreCase: true),
            Threads = parse.GetValue(CommonOptions.Threads) ?? 0,
        };
    }
}
