using System.CommandLine;
using TwoTower.Cli.Demo;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Telemetry;
using TwoTower.Core.Configuration;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower demo</c>: from nothing to recommendations on screen.</summary>
internal static class DemoCommand
{
    private static readonly Option<string?> Data = new("--data") { Description = "Your tables instead of made-up ones: a folder with one file per table, or a zip archive of it.", HelpName = "DIR" };
    private static readonly Option<string?> MovieLens = new("--movielens")
    {
        Description = "MovieLens' own files instead: the folder of ml-latest-small, ml-25m or ml-1m, or the archive.",
        HelpName = "DIR",
    };
    private static readonly Option<bool> Fresh = new("--fresh") { Description = "Drop the demo's own database and start anew." };
    private static readonly Option<bool> Exit = new("--exit") { Description = "Stop after printing, instead of serving on." };

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "demo", "See it work: set up a database, load data, train, and serve recommendations.",
            """
            Finds or sets up a PostgreSQL with pgvector, loads a made-up catalogue (or your data), trains, exports, embeds, serves, and
            prints for three users what they liked and what they now get. Then it goes on serving. A second run reuses what is there;
            Ctrl-C at any moment loses little: the next run goes on.

            Examples:
              twotower demo
              twotower demo --exit
              twotower demo --data path/to/tables --port 5000
              twotower demo --movielens path/to/ml-latest-small --epochs 5
              twotower demo --otlp
            """)
        {
            Data, MovieLens, CommonOptions.Recipe, CommonOptions.Set, CommonOptions.Epochs, CommonOptions.Seed, ServeOptions.Port, Fresh,
            Exit, OtlpOption.Otlp, CommonOptions.Database,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Data) is not null && result.GetValue(MovieLens) is not null)
            {
                result.AddError("--data and --movielens are two sources: give one of them");
            }
        });
        host.Handle(command, session =>
        {
            var parse = session.Parse;
            var seed = parse.GetValue(CommonOptions.Seed);
            return new DemoRun(session, new()
            {
                Source = parse.GetValue(Data) is { } folder ? DemoSource.Csv(folder)
                    : parse.GetValue(MovieLens) is { } movieLens ? DemoSource.MovieLens(movieLens)
                    : DemoSource.Generated(seed, session.Time.GetUtcNow()),
                Recipe =
                    RecipeReader.Read(
                        parse.GetValue(CommonOptions.Recipe)!, CommonOptions.Overrides(parse), Environment.GetEnvironmentVariables(),
                        session.Terminal.Say),
                Port = parse.GetValue(ServeOptions.Port) ?? ServeOptions.DefaultPort,
                Fresh = parse.GetValue(Fresh),
                Exit = parse.GetValue(Exit),
            }).RunAsync();
        });
        return command;
    }
}
