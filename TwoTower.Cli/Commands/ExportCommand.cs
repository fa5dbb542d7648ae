using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Stages;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower export DIR</c>, also <c>twotower releases export DIR</c>: a release as a folder for other programs.</summary>
internal static class ExportCommand
{
    public static Verb Create(CommandHost host, string path = "twotower export")
    {
        var folder = new Argument<string>("DIR") { Description = "Where the bundle goes; an older bundle there is replaced, anything else refused." };
        var release = EmbedCommand.Release("the active one");
        var command = new Verb(
            "export", "Write a release as a folder: networks, JSON, vectors as parquet, and the manifest over them.",
            $"""
            The release must have its vectors ('twotower embed'). The folder is written beside its place and then gets its name: a full
            disk or Ctrl-C leaves what was there. docs/artifacts.md describes the files.

            Examples:
              {path} out/bundle
              {path} out/old --release v2-20260101T120000Z-0a1b2c3d
            """)
        { folder, release, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var db = await session.OpenDatabaseAsync();
            var directory = session.Parse.GetValue(folder)!;
            session.Kept = $"what was at {directory} is untouched; run the same command again";
            var manifest = await session.Terminal.StageAsync("exporting", "vectors", progress => ReleaseExport.WriteAsync(
                db, session.Parse.GetValue(release), directory, session.Time, SourceCommit.Of(typeof(ExportCommand).Assembly),
                new Relay<long>(progress, vectors => new(vectors, null)), session.Stop));
            session.Terminal.Result(
                new { folder = Path.GetFullPath(directory), manifest.ModelVersion, manifest.Files },
                () => session.Terminal.Say($"{directory}: {manifest.ModelVersion}, {manifest.Files.Count} files, {Amounts.Bytes(manifest.Files.Sum(file => file.Size))}"));
        });
        return command;
    }
}
