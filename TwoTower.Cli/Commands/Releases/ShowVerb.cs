using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases show [VERSION]</c>.</summary>
internal static class ShowVerb
{
    public static Verb Create(CommandHost host)
    {
        var version = new Argument<string?>("VERSION")
        {
            Description = "The release's model_version; the newest when left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Verb(
            "show", "One release: its state and why, every change of it, what the gate measured, who needs it.",
            """
            Examples:
              twotower releases show
              twotower releases show v2-20260101T120000Z-0a1b2c3d --json
            """)
        { version, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var db = await session.OpenDatabaseAsync();
            var store = new ReleaseStore(db);
            var release = session.Parse.GetValue(version) is { } named
                ? await store.GetAsync(named, session.Stop)
                : await store.ListAsync(session.Stop) is [var newest, ..] ? newest : throw new InputException("there is no release yet: 'twotower train' makes one");
            var history = await store.HistoryAsync(release.ModelVersion, session.Stop);
            var files = await store.FilesAsync(release.ModelVersion, session.Stop);
            var runs = await GateRuns.ReadAsync(db, release.ModelVersion, ct: session.Stop);
            var activations = await new ActivationHistory(db).ReadAsync(release.ModelVersion, ct: session.Stop);
            var needed = (await new ReleaseRetention(db, session.Time).NeededAsync(session.Stop))
                .Where(need => need.ModelVersion == release.ModelVersion).Select(need => need.Why).ToList();
            var said = session.Terminal;
            said.Result(
                new
                {
                    release = ReleaseTable.Row(release),
                    needed,
                    files,
                    history = history.Select(step => new
                    {
                        from = step.From is { } from ? ReleaseTable.Name(from) : null,
                        to = ReleaseTable.Name(step.To),
                        step.At,
                        step.Actor,
                        step.Reason,
                    }),
                    gate_runs = runs,
                    activations,
                    release.Config,
                    release.Metrics,
                },
                () =>
                {
                    said.Say($"{release.ModelVersion}: {ReleaseTable.Name(release.State)}{(release.StateReason is { } why ? $", {why}" : "")}");
                    said.Say(
                        $"  {release.EmbeddingDim} numbers a vector, "
                            + $"{(release.Imported ? "imported" : $"recipe {release.Recipe}")}{(needed.Count > 0 ? $"; needed: {string.Join("; ", needed)}" : "")}");
                    said.Say($"  {files.Count} files, {Amounts.Bytes(files.Sum(file => file.Size))}{(files.Any(file => file.Freed) ? ", freed" : "")}");
                    foreach (var step in history) said.Say(
                        $"  {step.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z  {ReleaseTable.Name(step.To),-9}  {step.Actor}{(step.Reason is { } reason ? $": {reason}" : "")}");
                    foreach (var run in runs) said.Say($"  {run.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z  gate run {run.Run} {(run.Passed ? "passed" : $"failed: {run.Reason}")}");
                    foreach (var undone in activations.Where(activation => activation.Undid is not null))
                    {
                        said.Say($"  {undone.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z  {undone.Previous} was rolled back automatically to {undone.ModelVersion}: {undone.Reason}");
                    }
                });
        });
        return command;
    }
}
