using Spectre.Console;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;

namespace TwoTower.Torture;

/// <summary>A report for a person.</summary>
internal static class TortureTables
{
    public static void Show(Terminal terminal, TortureReport report)
    {
        var table = new Table().AddColumns("scenario", "what happened", "wrong");
        if (report.Releases is { } releases)
        {
            table.AddRow(
                "changing releases",
                $"{Amounts.Count(releases.Requests)} requests of {releases.Clients} clients to {releases.Replicas} replicas, {releases.Changes} changes, "
                + $"{releases.Restarts} replicas replaced, {(releases.Retired is null ? "none" : "one")} retired; p99 {releases.Changing.P99} ms, quiet {releases.Quiet.P99} ms "
                + $"({releases.P99Ratio} times; p50 {releases.Changing.P50} and {releases.Quiet.P50} ms); {releases.Recall:P2} of an exact search found",
                $"{releases.Wrong}");
        }

        if (report.Dimensions is { } dimensions)
        {
            table.AddRow(
                "dimensions", $"{string.Join(", ", dimensions.Dims)} numbers side by side, {dimensions.Moves} moves, {dimensions.Requests} requests", $"{dimensions.Wrong}");
        }

        if (report.Database is { } database)
        {
            table.AddRow(
                "database restarts",
                $"{database.Restarts} restarts, {Amounts.Count(database.Requests)} requests: {Amounts.Count(database.Right)} right, "
                + $"{Amounts.Count(database.Unavailable)} told to come again while it was away; {Amounts.Count(database.DecisionsAcknowledged)} decisions acknowledged, {database.DecisionsLost} lost",
                $"{database.Wrong}");
        }

        if (report.Kills is { } kills)
        {
            table.AddRow(
                "kills",
                $"{kills.Kills} kills ({string.Join(", ", kills.Killed.Select(one => $"{one.Value} {one.Key}"))}; {kills.AfterTheWorkWasDone} after the work was done), "
                + $"{Amounts.Count(kills.DecisionsAcknowledged)} decisions acknowledged, {kills.DecisionsRepeated} sent again, {kills.DecisionsLost} lost",
                $"{kills.Wrong}");
        }

        foreach (var strain in report.Strains?.Strains ?? [])
        {
            table.AddRow(
                strain.Name,
                $"{string.Join(", ", strain.Statuses.Select(one => $"{Amounts.Count(one.Value)} {(one.Key == 0 ? "hung up" : $"were {one.Key}")}"))}; slowest {strain.SlowestSeconds} s, "
                + $"health within {strain.SlowestHealthSeconds} s",
                "");
        }

        if (report.Strains is { } strains) table.AddRow("strains", "", $"{strains.Wrong}");
        if (report.Edge is { } edge)
        {
            table.AddRow(
                "edge functions",
                $"{Amounts.Count(edge.Requests)} requests of {edge.Clients} clients, {edge.Changes} changes; p50 {edge.Latencies.P50} ms, p99 {edge.Latencies.P99} ms; "
                + $"{edge.Recall:P2} of an exact search found",
                $"{edge.Wrong}");
        }

        terminal.Show(table);
        foreach (var finding in Findings(report)) terminal.Say($"wrong: {finding}");
        terminal.Say(report.Wrong == 0 ? "nothing was wrong" : $"{Amounts.Count(report.Wrong)} times something was wrong");
    }

    private static IEnumerable<string> Findings(TortureReport report) =>
    [
        .. report.Releases?.Findings ?? [], .. report.Dimensions?.Findings ?? [], .. report.Database?.Findings
            ?? [], .. report.Kills?.Findings ?? [], .. report.Strains?.Findings ?? [], .. report.Edge?.Findings ?? [],
    ];
}
