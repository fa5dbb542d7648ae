using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Apt;

/// <summary>
/// Lets unpacked programs run on a machine with an older C library: each is moved aside, and a script in its place runs it
/// through the unpacked dynamic loader with the unpacked libraries. --argv0 keeps the script's path as the program's name, from
/// which PostgreSQL finds its other programs (the scripts) and its share and lib folders.
/// </summary>
internal static class PrivateLoader
{
    private const UnixFileMode Executable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static readonly string[] LibraryFolders = ["usr/lib", "lib"];

    /// <summary>Wraps every program of a folder (relative to the copy's root).</summary>
    public static void Wrap(string root, string programs)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Debian packages run on Linux only.");
        }

        var loader = FindLoader(root);
        var libraries = string.Join(':', LibraryFolders
            .Select(folder => Path.Combine(root, folder))
            .Where(Directory.Exists)
            .SelectMany(static folder => Directory.EnumerateDirectories(folder, "*-linux-gnu*"))
            .Select(folder => "$root/" + Path.GetRelativePath(root, folder)));
        var folder = Path.Combine(root, programs);
        var aside = Path.Combine(root, Path.GetDirectoryName(programs)!, "programs");
        Directory.Move(folder, aside);
        StateFolder.CreateEnterable(folder);
        foreach (var program in Directory.EnumerateFiles(aside).Select(static file => Path.GetFileName(file)))
        {
            var script = Path.Combine(folder, program);
            File.WriteAllText(script, $"""
                #!/bin/sh
                root=${"{0%/" + programs + "/*}"}
                exec "$root/{loader}" --inhibit-cache --argv0 "$0" --library-path "{libraries}" "$root/{Path.GetRelativePath(root, aside)}/{program}" "$@"

                """);
            File.SetUnixFileMode(script, Executable);
        }
    }

    private static string FindLoader(string root)
    {
        // libc6's loader: under usr/lib/<triplet> since Debian 13, under lib/<triplet> before; links may be absolute.
        var loader = LibraryFolders
            .Select(folder => Path.Combine(root, folder))
            .Where(Directory.Exists)
            .SelectMany(static folder => Directory.EnumerateFiles(folder, "ld*.so.*", SearchOption.AllDirectories))
            .Where(static file => Path.GetFileName(file) is var name
                && (name.StartsWith("ld-linux", StringComparison.Ordinal) || name.StartsWith("ld64.so", StringComparison.Ordinal)))
            .OrderBy(static file => new FileInfo(file).LinkTarget is null ? 0 : 1)
            .FirstOrDefault();
        return loader is null
            ? throw new IOException("the unpacked packages hold no dynamic loader")
            : Path.GetRelativePath(root, loader);
    }
}
