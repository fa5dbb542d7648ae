using System.CommandLine;
using System.CommandLine.Parsing;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Datasets.Import;
using TwoTower.Evaluation;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Evaluation;

/// <summary>The options that say which rows are evaluated on; none of them means the database.</summary>
internal static class DataOptions
{
    private static readonly Option<string?> Data = new("--data") { Description = "A folder with one file per table, or a zip archive of it (docs/data.md).", HelpName = "DIR" };
    private static readonly Option<string?> MovieLens = new("--movielens") { Description = "MovieLens' own files: the folder of ml-latest-small, ml-25m or ml-1m, or the archive.", HelpName = "DIR" };
    private static readonly Option<bool> Generate = new("--generate") { Description = "The made-up world of the demo, ending on 2025-06-01." };
    private static readonly Option<int?> Users = NumberOption.Create("--users", "Users of the made-up world.", 1, 1_000_000, alias: "--viewers");
    private static readonly Option<int?> Videos = NumberOption.Create("--videos", "Videos of the made-up world.", 1, 1_000_000);

    public static void AddTo(Command command)
    {
        foreach (var option in new Option[] { Data, MovieLens, Generate, Users, Videos, CommonOptions.Database }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (Given(result) > 1)
            {
                result.AddError("--data, --movielens and --generate are different sources: give one of them");
            }
        });
    }

    public static DataChoice Read(ParseResult parse) =>
        new(parse.GetValue(Data), parse.GetValue(MovieLens), parse.GetValue(Generate), parse.GetValue(Users), parse.GetValue(Videos));

    /// <summary>True where one of the sources is named.</summary>
    public static bool IsGiven(CommandResult result) => Given(result) > 0;

    /// <summary>The sets of a folder, by name: each folder in it that has decisions.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static IReadOnlyList<(string Name, TableSource Data)> Suite(Session session, string folder)
    {
        if (!Directory.Exists(folder)) throw new InputException($"--suite {folder}: there is no such folder");
        string[] sets = [.. Directory.GetDirectories(folder).Where(HasDecisions).Order(StringComparer.Ordinal)];
        return sets.Length > 0
            ? [.. sets.Select(
                set => (Path.GetFileName(set), (TableSource)(_ => new DataChoice(set, null, false, null, null).ReadAsync(session))))]
            : throw new InputException($"--suite {folder}: no folder in it has {Decisions} (.csv, .tsv, .jsonl, each also .gz, or .parquet); name a folder of folders with one file per table");
    }

    private const string Decisions = "user_video_decisions";

    private static bool HasDecisions(string set) => TableFiles.Exists(set, Decisions);

    private static int Given(CommandResult result) =>
        (result.GetValue(Data) is null ? 0 : 1) + (result.GetValue(MovieLens) is null ? 0 : 1) + (result.GetValue(Generate) ? 1 : 0);
}
