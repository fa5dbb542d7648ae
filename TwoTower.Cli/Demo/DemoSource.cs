using System.Security.Cryptography;
using System.Text;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Datasets.Import;

namespace TwoTower.Cli.Demo;

/// <summary>What the demo's data is: a made-up world, a folder of table CSVs, or MovieLens' files.</summary>
/// <param name="Description">As a phrase: "a made-up catalogue (seed 42)".</param>
/// <param name="Fingerprint">Equal only for equal data: recorded in the database once all of it is loaded.</param>
/// <param name="DatabaseName">The demo's database for this data; two sources never share one.</param>
/// <param name="Read">Reads or makes the tables.</param>
internal sealed record DemoSource(string Description, string Fingerprint, string DatabaseName, Func<TableSet> Read)
{
    private static readonly string[] TableEndings = [".csv", ".csv.gz", ".dat"];

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
            () => CatalogueGenerator.Generate(options));
    }

    /// <summary>A folder with one CSV per table.</summary>
    public static DemoSource Csv(string folder) => Folder(folder, "--data", "csv", $"the tables in {folder}", folder => CsvTableReader.Read(folder));

    /// <summary>MovieLens' own files.</summary>
    public static DemoSource MovieLens(string folder) => Folder(folder, "--movielens", "movielens", $"MovieLens' files in {folder}", folder => MovieLensReader.Read(folder));

    private static DemoSource Folder(string folder, string option, string kind, string description, Func<string, TableSet> read)
    {
        if (!Directory.Exists(folder))
        {
            throw new InputException($"{option} {folder}: there is no such folder");
        }

        var fingerprint = $"{kind}:{ContentHash(folder)}";
        var hash = fingerprint[(fingerprint.IndexOf(':', StringComparison.Ordinal) + 1)..][..8];
        return new(description, fingerprint, $"twotower_demo_{Plain(Path.GetFileName(Path.GetFullPath(folder).TrimEnd('/', '\\')))}_{hash}", () => read(folder));
    }

    /// <summary>SHA-256 over name and content of the folder's files, so that an edited file is another source.</summary>
    private static string ContentHash(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.EnumerateFiles(folder).Where(IsTable).Order(StringComparer.Ordinal))
        {
            using var stream = File.OpenRead(file);
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)}\n"));
            hash.AppendData(SHA256.HashData(stream));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static bool IsTable(string file) =>
        TableEndings.Any(end => file.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    /// <summary>A folder's name as part of a database's: PostgreSQL allows 63 bytes in all.</summary>
    private static string Plain(string name)
    {
        var plain = string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return plain.Length <= 30 ? plain : plain[..30];
    }
}
