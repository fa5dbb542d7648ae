namespace TwoTower.Repository.Tests;

/// <summary>The files of the repository, without what builds and runs leave behind.</summary>
internal static class RepositoryFiles
{
    private static readonly string[] Left = ["bin", "obj", "node_modules", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts"];

    // Folders whose name begins with a dot and that are part of the repository.
    private static readonly string[] Dotted = [".ci", ".github", ".devcontainer"];

    /// <summary>The folder that holds TwoTower.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Paths relative to the root, with forward slashes, of the files with one of these extensions.</summary>
    public static IReadOnlyList<string> With(params string[] extensions) =>
        [.. Walk(Root)
            .Where(file => extensions.Contains(Path.GetExtension(file)))
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)];

    /// <summary>The text of a file.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).Replace("\r\n", "\n", StringComparison.Ordinal);

    /// <summary>True for a file or folder, upper and lower case told apart on every system.</summary>
    public static bool Exists(string path)
    {
        var folder = Root;
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Directory.Exists(folder)) return false;
            if (!Directory.EnumerateFileSystemEntries(folder).Any(entry => Path.GetFileName(entry) == part)) return false;
            folder = Path.Combine(folder, part);
        }

        return true;
    }

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder)) yield return file;
        foreach (var child in Directory.EnumerateDirectories(folder))
        {
            var name = Path.GetFileName(child);
            if (Left.Contains(name) || (name.StartsWith('.') && !Dotted.Contains(name))) continue;
            foreach (var file in Walk(child)) yield return file;
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TwoTower.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException($"No TwoTower.sln above {AppContext.BaseDirectory}.");
    }
}
