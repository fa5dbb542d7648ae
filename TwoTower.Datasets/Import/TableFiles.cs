using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Files of tables by their ending: CSV, tab-separated, JSON lines, Parquet.</summary>
internal static class TableFiles
{
    private static readonly string[] Texts = [".csv", ".tsv", ".jsonl", ".ndjson"];
    private static readonly string[] Endings = [.. Texts.SelectMany(ending => new[] { ending, ending + ".gz" }), ".parquet"];

    /// <summary>True for a file's name that ends as one of them.</summary>
    public static bool IsOne(string file) => Endings.Any(ending => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>True when a folder has a file of a table.</summary>
    public static bool Exists(string directory, string table) => Find(directory, table).Count > 0;

    /// <summary>Opens the file of a table.</summary>
    /// <param name="source">Its folder.</param>
    /// <param name="table">The table's name.</param>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="InputException">There are several.</exception>
    public static TableFile? Open(SourceFolder source, string table)
    {
        var found = Find(source.Path, table);
        if (found.Count > 1) throw new InputException($"{source.Name} has both {found[0]} and {found[1]}; leave one.");
        return found.Count == 0 ? null : Open(Path.Combine(source.Path, found[0]));
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">What separates its columns; null: what its ending says, or its header.</param>
    /// <param name="header">The names of its columns where it has no header line.</param>
    /// <param name="quotes">False: a quote is a character like any other.</param>
    public static TableFile Open(string path, char? separator = null, IReadOnlyList<string>? header = null, bool quotes = true)
    {
        var name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".parquet" => ParquetFile.Open(path),
            ".jsonl" or ".ndjson" => JsonLinesFile.Open(path),
            ".tsv" => CsvFile.Open(path, separator ?? '\t', header, quotes),
            _ => CsvFile.Open(path, separator, header, quotes),
        };
    }

    private static List<string> Find(string directory, string table) =>
        [.. Endings.Select(ending => table + ending).Where(file => File.Exists(Path.Combine(directory, file)))];
}
