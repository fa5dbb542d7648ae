using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Datasets.Generation;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower generate</c>: a made-up world in the database.</summary>
internal static class GenerateCommand
{
    public static Command Create(CommandHost host)
    {
        var defaults = new GeneratorOptions { Anchor = default };
        var users = NumberOption.Create("--users", "Users to make up.", 1, 1_000_000, defaults.Users, alias: "--viewers");
        var videos = NumberOption.Create("--videos", "Videos to make up.", 1, 1_000_000, defaults.Videos);
        var seed = NumberOption.Create("--seed", "Another seed is another world; the same seed is the same world.", 0, defaultValue: defaults.Seed);
        var until = new Option<string?>("--until") { Description = "The day on which the made-up world ends (UTC); today when left out.", HelpName = "DATE" };
        var ifEmpty = new Option<bool>("--if-empty") { Description = "Do nothing where the database holds a user, a video or a decision already." };
        var command = new Verb(
            "generate", "Fill the database with a made-up catalogue and users whose tastes can be learned.",
            """
            Deterministic for a seed and a day: tags, performers, price, duration and release dates of a believable catalogue, and likes and nopes that follow
            each user's taste. For trying things out, and for tests of one's own.

            Examples:
              twotower generate
              twotower generate --users 500 --videos 1000 --seed 7
            """)
        { users, videos, seed, until, ifEmpty, CommonOptions.Database, CommonOptions.Wait };
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var options = new GeneratorOptions
            {
                Users = parse.GetValue(users) ?? defaults.Users,
                Videos = parse.GetValue(videos) ?? defaults.Videos,
                Seed = parse.GetValue(seed) ?? defaults.Seed,
                Anchor = parse.GetValue(until) is { } day ? ParseDay(day) : new(session.Time.GetUtcNow().Date, TimeSpan.Zero),
            };
            var db = await session.OpenDatabaseAsync();
            if (parse.GetValue(ifEmpty) && await Loading.HoldsDataAsync(db, session.Stop))
            {
                session.Terminal.Result(new { generated = false }, () => session.Terminal.Say("the database holds data already: nothing was made up"));
                return;
            }

            var tables = await Task.Run(() => CatalogueGenerator.Generate(options), session.Stop);
            var written = await Loading.WriteAsync(session, db, tables);
            session.Terminal.Result(Loading.Counts(tables, written), () => session.Terminal.Say(Loading.Sentence(tables, written)));
        });
        return command;
    }

    private static DateTimeOffset ParseDay(string text) => InstantText.TryParse(text, out var instant)
        ? new(instant.UtcDateTime.Date, TimeSpan.Zero)
        : throw new InputException($"--until {text} is not a date: write it like 2026-03-31");
}
