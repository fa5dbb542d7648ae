using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Experiments;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower experiments start|stop|list</c>: a share of the users gets another release.</summary>
internal static class ExperimentsCommand
{
    public static Command Create(CommandHost host) => new("experiments", "A share of the users gets another release than the active one.")
    {
        Start(host),
        Stop(host),
        List(host),
    };

    private static Verb Start(CommandHost host)
    {
        var (name, reason) = (Name(), ReleaseOptions.Reason());
        var release = new Option<string>("--release") { Description = "The release that they get; it must be ready.", HelpName = "VERSION", Required = true };
        var share = ShareOption();
        var salt = new Option<string?>("--salt") { Description = "Draws the users: the same salt, the same ones. Left out, each experiment draws its own.", HelpName = "TEXT" };
        var command = new Verb(
            "start", "Give a share of the users a ready release, from their next request on.",
            """
            One experiment runs at a time. The same users get the release as long as it runs; it can't be retired or pruned meanwhile. If it
            fails, they get the active one. 'twotower releases compare' shows what became of it.

            Example:
              twotower experiments start taste --release v2-20260101T120000Z-0a1b2c3d --share 0.1 --reason 'likes more of them?'
            """)
        { name, release, share, salt, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var started = await new ExperimentStore(await session.OpenDatabaseAsync()).StartAsync(
                parse.GetValue(name)!, parse.GetValue(release)!, parse.GetValue(share), ReleaseOptions.Actor, parse.GetValue(reason),
                parse.GetValue(salt), session.Stop);
            session.Terminal.Result(started, () => session.Terminal.Say($"{started.Name} runs: {Share(started)} of the users get {started.ModelVersion}"));
        });
        return command;
    }

    private static Verb Stop(CommandHost host)
    {
        var (name, reason) = (Name(), ReleaseOptions.Reason());
        var command = new Verb(
            "stop", "Give all users the active release again, from their next request on.",
            """
            What was recorded stays; the name isn't used again.

            Example:
              twotower experiments stop taste --reason 'seen enough'
            """)
        { name, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var (stopped, was) = await new ExperimentStore(await session.OpenDatabaseAsync()).StopAsync(
                session.Parse.GetValue(name)!, ReleaseOptions.Actor, session.Parse.GetValue(reason), session.Stop);
            session.Terminal.Result(stopped, () => session.Terminal.Say(was
                ? $"{stopped.Name} is stopped; all users get the active release"
                : $"{stopped.Name} had been stopped already, {Time(stopped.StoppedAt!.Value)} by {stopped.StoppedBy}"));
        });
        return command;
    }

    private static Verb List(CommandHost host)
    {
        var command = new Verb(
            "list", "List the experiments, newest first.",
            """
            Example:
              twotower experiments list --json
            """)
        { CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var experiments = await new ExperimentStore(await session.OpenDatabaseAsync()).ListAsync(session.Stop);
            session.Terminal.Result(experiments, () =>
            {
                if (experiments.Count == 0)
                {
                    session.Terminal.Say("no experiments yet: 'twotower experiments start' starts one");
                    return;
                }

                var table = new Table().Border(TableBorder.Simple).AddColumns("experiment", "release", "share", "since", "until");
                foreach (var experiment in experiments)
                {
                    table.AddRow(
                        new Text(experiment.Name), new Text(experiment.ModelVersion), new Text(Share(experiment)),
                        new Text(Time(experiment.StartedAt)),
                        new Text(experiment.StoppedAt is { } stopped ? $"{Time(stopped)}, {experiment.StopReason}" : "running"));
                }

                session.Terminal.Show(table);
            });
        });
        return command;
    }

    private static Option<double> ShareOption() => new("--share")
    {
        Description = "Share of all users, more than 0 and less than 1.",
        HelpName = "SHARE",
        Required = true,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number is > 0 and < 1) return number;
            result.AddError($"--share {text} is not a number of more than 0 and less than 1, such as 0.1");
            return 0;
        },
    };

    private static Argument<string> Name() => new("NAME") { Description = "The experiment's name: a–z, 0–9, dots, dashes and underscores." };

    private static string Share(Experiment experiment) => string.Create(CultureInfo.InvariantCulture, $"{experiment.Share * 100:0.##} %");

    private static string Time(DateTimeOffset at) => string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm}Z");
}
