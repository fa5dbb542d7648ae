using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Datasets.Import;

namespace TwoTower.Cli.Demo;

/// <summary>What the demo's data is: a made-up world, files of tables, or MovieLens' files.</summary>
/// <param name="Description">As a phrase: "a made-up catalogue (seed 42)".</param>
/// <param name="Fingerprint">Equal only for equal data: recorded in the database once all of it is loaded.</param>
/// <param name="DatabaseName">The demo's database for this data; two sources never share one.</param>
/// <param name="Read">Reads or makes the tables, telling what is left out or odd.</param>
internal sealed record DemoSource(string Description, string Fingerprint, string DatabaseName, Func<Action<string>, TableSet> Read)
{
    /// <summary>The made-up world.</summary>
    public static DemoSource Generated(int? seed, DateTimeOffset now)
    {
        // The world ends today, so that its newest videos are new; a later run reuses the one that is there.
        var defaults = new GeneratorOptions { Anchor = new(now.Date, TimeSpan.Zero) };
        var options = defaults with { Seed = seed ?? defaults.Seed };
        var name = options.Seed == defaults.Seed ? "twotower_demo" : $"twotower_demo_seed_{options.Seed}";
        return new(
            $"a made-up catalogue of {options.Videos:N0} videos and {options.Users:N0} users (seed {options.Seed})",
            $"generated:{options.Users}:{options.Videos}:{options.Seed}",
            name,
            _ => CatalogueGenerator.Generate(options));
    }

    /// <summary>A folder with one file per table, or a zip archive of it.</summary>
    public static DemoSource Csv(string folder) => Files(folder, "--data", "csv", $"the tables in {folder}", CsvTableReader.Read);

    /// <summary>MovieLens' own files, or their archive.</summary>
    public static DemoSource MovieLens(string folder) =>
        Files(folder, "--movielens", "movielens", $"MovieLens' files in {folder}", MovieLensReader.Read);

    private static DemoSource Files(
        string path, string option, string kind, string description, Func<string, Action<string>?, ImportOptions?, TableSet> read)
    {
        if (!Directory.Exists(path) && !File.Exists(path)) throw new InputException($"{option} {path}: there is no such folder or file");
        var hash = SourceFolder.Fingerprint(path);
        var name = Path.GetFileName(Path.GetFullPath(path).TrimEnd('/', '\\'));
        if (File.Exists(path)) name = Path.GetFileNameWithoutExtension(name);
        return new(description, $"{kind}:{hash}", $"twotower_demo_{Plain(name)}_{hash[..8]}", say => read(path, say, null));
    }

    /// <summary>A folder's name as part of a database's: PostgreSQL allows 63 bytes in all.</summary>
    private static string Plain(string name)
    {
        var plain = string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return plain.Length <= 30 ? plain : plain[..30];
    }
}
