using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Experiments.Comparison;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases compare A B</c>.</summary>
internal static class CompareVerb
{
    public static Verb Create(CommandHost host)
    {
        var a = new Argument<string>("A") { Description = "A release." };
        var b = new Argument<string>("B") { Description = "The release to compare it with." };
        var since = SinceOption.Create("--since", "Only recommendations from then on; all that are kept when left out.", host.Time);
        var experiment = new Option<string?>("--experiment") { Description = "Only what was served while this experiment ran.", HelpName = "NAME" };
        var command = new Verb(
            "compare", "Two releases by what became of their recommendations: likes, nopes, coverage, empty answers, with intervals.",
            """
            Counts the users whose recommendations are recorded (TwoTower:Impressions). A decision counts for the last impression of that video
            before it, the first one within 24 hours. Intervals are 95 %, over users (docs/releases.md).

            Examples:
              twotower releases compare v2-20260101T120000Z-0a1b2c3d v2-20260108T120000Z-4e5f6a7b --since 7d
              twotower releases compare v2-20260101T120000Z-0a1b2c3d v2-20260108T120000Z-4e5f6a7b --experiment taste --json
            """)
        { a, b, since, experiment, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var comparison = await new ReleaseComparer(await session.OpenDatabaseAsync()).CompareAsync(
                session.Parse.GetValue(a)!, session.Parse.GetValue(b)!, session.Parse.GetValue(since), session.Parse.GetValue(experiment),
                session.Stop);
            session.Terminal.Result(comparison, () =>
            {
                foreach (var (name, release) in new[] { ("A", comparison.A), ("B", comparison.B) })
                {
                    session.Terminal.Say(string.Create(CultureInfo.InvariantCulture,
                        $"{name}  {release.ModelVersion}: {release.Users:N0} users, {release.Answers:N0} answers, {release.Recommendations:N0} recommendations of {release.Videos:N0} videos"));
                }

                var table = new Table().Border(TableBorder.Simple).AddColumns("", "A", "B", "B − A");
                foreach (var metric in comparison.Metrics)
                {
                    table.AddRow(
                        new Text(metric.Name.Replace('_', ' ')), new Text(Show(metric.A)), new Text(Show(metric.B)),
                        new Text(Show(metric.Difference, signed: true)));
                }

                session.Terminal.Show(table);
                foreach (var note in comparison.Notes) session.Terminal.Warn(note);
            });
        });
        return command;
    }

    private static string Show(Interval? interval, bool signed = false)
    {
        if (interval is null) return "–";
        var format = signed ? "+0.0000;−0.0000;0.0000" : "0.0000;−0.0000;0.0000";
        string Number(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return interval is { Lower: { } lower, Upper: { } upper } ? $"{Number(interval.Value)} ({Number(lower)} to {Number(upper)})" : Number(interval.Value);
    }
}
