using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Formats;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower manifest build|verify DIR</c>; needs no database.</summary>
internal static class ManifestCommand
{
    public static Command Create(CommandHost host) => new("manifest", "The manifest of a folder of artifacts: hashes of every file.")
    {
        Build(host),
        Verify(host),
    };

    private static Verb Build(CommandHost host)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder with the artifacts (docs/artifacts.md)." };
        var version = new Option<string?>("--model-version") { Description = "Name of the model; the present manifest's, or the folder's name, when left out.", HelpName = "NAME" };
        var command = new Verb(
            "build", "Write manifest.json: path, size and SHA-256 of every file in the folder.",
            """
            An existing manifest is replaced. Do this for a bundle that another program laid out, before it is served or published.

            Example:
              twotower manifest build out/bundle --model-version v2-of-spring
            """)
        { folder, version };
        host.Handle(command, session =>
        {
            var directory = session.Parse.GetValue(folder)!;
            var name = session.Parse.GetValue(version) ?? NameOf(directory);
            var manifest = ManifestBuilder.Build(directory, name, session.Time.GetUtcNow());
            session.Terminal.Result(manifest, () => session.Terminal.Say($"{Path.Combine(directory, ArtifactNames.Manifest)}: {name}, {manifest.Files.Count} files"));
            return Task.CompletedTask;
        });
        return command;
    }

    private static Verb Verify(CommandHost host)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder with manifest.json." };
        var command = new Verb(
            "verify", "Check a folder of artifacts: every hash, every file, every dimension and segment.",
            """
            Reads the bundle as 'twotower serve --artifacts' does; what doesn't fit is named, exit code 2.

            Example:
              twotower manifest verify out/bundle
            """)
        { folder };
        host.Handle(command, async session =>
        {
            var bundle = await BundleReader.ReadAsync(session.Parse.GetValue(folder)!, session.Stop);
            long vectors = 0;
            await foreach (var batch in bundle.ReadEmbeddingsAsync(session.Stop))
            {
                vectors += batch.VideoIds.Count;
            }

            session.Terminal.Result(
                new { bundle.ModelVersion, files = bundle.Manifest.Files, bundle.EmbeddingDim, bundle.HasItemTower, vectors },
                () => session.Terminal.Say(
                    $"{bundle.ModelVersion}: {bundle.Manifest.Files.Count} files as the manifest says, {Amounts.Count(vectors)} vectors of {bundle.EmbeddingDim} numbers"
                    + (bundle.HasItemTower ? "" : "; no item tower: to be served, not re-embedded")));
        });
        return command;
    }

    /// <summary>A manifest that is there names the model; else the folder does.</summary>
    private static string NameOf(string directory)
    {
        var path = Path.Combine(directory, ArtifactNames.Manifest);
        return File.Exists(path)
            ? Manifest.Parse(File.ReadAllBytes(path), path).ModelVersion
            : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
    }
}
