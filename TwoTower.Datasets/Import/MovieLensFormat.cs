using System.Diagnostics.CodeAnalysis;
using System.Text;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>
/// The three layouts of MovieLens: CSV with a header (ml-latest, ml-25m), the older <c>::</c>-separated <c>.dat</c> without one (ml-1m,
/// ml-10m), and <c>u.data</c> with <c>u.item</c> (ml-100k).
/// </summary>
/// <param name="source">The folder.</param>
internal sealed class MovieLensFormat(SourceFolder source)
{
    private enum Layout
    {
        Csv,
        Dat,
        Data,
    }

    // The columns of u.item; then a flag a genre, in the order of u.genre.
    private static readonly string[] ItemColumns = ["movieId", "title", "released", "videoReleased", "url"];

    private readonly Layout _layout = Find(source.Path) ?? throw new InputException(
        $"{source.Name} has neither ratings.csv nor ratings.dat (nor u.data): name the folder that MovieLens' archive unpacks to, such as ml-latest-small, "
        + "or the archive.");

    /// <summary>True for the name of a file of the older layouts; the newest has CSV.</summary>
    public static bool IsOne(string file) => file.EndsWith(".dat", StringComparison.OrdinalIgnoreCase)
        || Path.GetFileName(file).StartsWith("u.", StringComparison.OrdinalIgnoreCase);

    /// <summary>True for a folder with MovieLens' files.</summary>
    public static bool IsIn(string directory) => Find(directory) is not null;

    /// <summary>Opens a table; null when it isn't there and needn't be.</summary>
    /// <param name="table">As the newest layout calls it.</param>
    /// <param name="columns">Its columns, in their order.</param>
    /// <param name="required">Whether it must be there.</param>
    public TableFile? Open(string table, string[] columns, bool required)
    {
        var file = _layout switch
        {
            Layout.Csv => TableFiles.Open(source, table),
            Layout.Dat => source.Find(table + ".dat") is { } path ? SplitFile.Open(path, "::", columns, atLeast: columns.Length) : null,
            _ => OpenData(table, columns),
        };
        return file ?? (required ? throw new InputException($"{source.Name} has no {FileOf(table)}.") : null);
    }

    private TableFile? OpenData(string table, string[] columns)
    {
        if (source.Find(FileOf(table)) is not { } path) return null;
        if (table == "ratings") return SplitFile.Open(path, "\t", columns, atLeast: columns.Length);
        if (table != "movies") return null;
        string[] genres = [];
        if (source.Find("u.genre") is { } list)
        {
            using var rows = SplitFile.Open(list, "|", ["genre", "number"], atLeast: 1);
            var names = new List<string>();
            while (rows.Read()) names.Add(rows.Text(0) ?? "");
            genres = [.. names];
        }

        string[] header = [.. ItemColumns, .. genres];
        return new GenreFlags(SplitFile.Open(path, "|", header, atLeast: ItemColumns.Length), genres, ItemColumns.Length);
    }

    private string FileOf(string table) => _layout switch
    {
        Layout.Csv => table + ".csv",
        Layout.Dat => table + ".dat",
        _ => table == "ratings" ? "u.data" : table == "movies" ? "u.item" : "u." + table,
    };

    private static Layout? Find(string directory) =>
        TableFiles.Exists(directory, "ratings") && TableFiles.Exists(directory, "movies") ? Layout.Csv
        : File.Exists(Path.Combine(directory, "ratings.csv")) || File.Exists(Path.Combine(directory, "ratings.csv.gz")) ? Layout.Csv
        : File.Exists(Path.Combine(directory, "ratings.dat")) ? Layout.Dat
        : File.Exists(Path.Combine(directory, "u.data")) ? Layout.Data
        : null;

    // A 0 or 1 for each genre, read as the newest layout writes them: Action|Comedy.
    private sealed class GenreFlags : TableFile
    {
        private readonly TableFile _file;
        private readonly string[] _genres;
        private readonly int _first;
        private readonly string[] _header;

        [SetsRequiredMembers]
        public GenreFlags(TableFile file, string[] genres, int first)
        {
            (_file, _genres, _first) = (file, genres, first);
            Name = file.Name;
            _header = [.. ItemColumns, "genres"];
        }

        public override long Line => _file.Line;

        public override IReadOnlyList<string> Header => _header;

        public override bool Read() => _file.Read();

        public override bool IsNull(int index) => index == _first ? Text(index) is null : _file.IsNull(index);

        public override string? Text(int index)
        {
            if (index != _first) return _file.Text(index);
            var set = _genres.Where((_, at) => _file.Text(_first + at) == "1" && _genres[at] != "unknown").ToList();
            return set.Count == 0 ? null : string.Join('|', set);
        }

        public override ReadOnlySpan<byte> Bytes(int index) => Encoding.UTF8.GetBytes(Text(index) ?? "");

        public override void Dispose() => _file.Dispose();
    }
}
