using System.Globalization;
using System.Text;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>The two layouts of MovieLens: CSV with a header, and the older <c>::</c>-separated <c>.dat</c> without one, in Latin-1 or UTF-8.</summary>
internal sealed class MovieLensFormat
{
    private readonly string _directory;
    private readonly bool _isDat;

    private MovieLensFormat(string directory, bool isDat)
    {
        _directory = directory;
        _isDat = isDat;
    }

    /// <summary>Tells which layout a folder has.</summary>
    public static MovieLensFormat Find(string directory)
    {
        if (File.Exists(Path.Combine(directory, "ratings.csv")) || File.Exists(Path.Combine(directory, "ratings.csv.gz")))
        {
            return new(directory, isDat: false);
        }

        if (File.Exists(Path.Combine(directory, "ratings.dat"))) return new(directory, isDat: true);
        throw new InputException(
            $"{directory} has neither ratings.csv nor ratings.dat: name the folder that MovieLens' archive unpacks to, such as ml-latest-small.");
    }

    /// <summary>Opens a table; null when it isn't there and needn't be.</summary>
    public IMovieLensRows? Open(string table, string[] columns, bool required)
    {
        if (_isDat)
        {
            var path = Path.Combine(_directory, table + ".dat");
            if (File.Exists(path)) return new DatRows(path, columns);
        }
        else if (CsvFile.Open(_directory, table) is { } file)
        {
            return new CsvRows(file, columns);
        }

        return required ? throw new InputException($"{_directory} has no {table}.{(_isDat ? "dat" : "csv")}.") : null;
    }

    private sealed class CsvRows(TableFile file, string[] names) : IMovieLensRows
    {
        private readonly CsvColumn[] _columns = [.. names.Select(name => file.Column(name, required: true))];

        public bool Read() => file.Read();

        public string? Text(int column) => _columns[column].Text();

        public InputException Error(int column, string reason) => _columns[column].Error(reason);

        public void Dispose() => file.Dispose();
    }

    private sealed class DatRows : IMovieLensRows
    {
        private readonly StreamReader _text;
        private readonly string _name;
        private readonly string[] _columns;
        private string[] _fields = [];
        private int _line;

        public DatRows(string path, string[] columns)
        {
            _text = new(path, IsUtf8(path) ? Encoding.UTF8 : Encoding.Latin1);
            _name = Path.GetFileName(path);
            _columns = columns;
        }

        public bool Read()
        {
            string? line;
            do
            {
                line = _text.ReadLine();
                _line++;
            }
            while (line is { Length: 0 });
            if (line is null) return false;
            _fields = line.Split("::");
            return _fields.Length >= _columns.Length
                ? true
                : throw new InputException($"{_name}, line {_line}: {_fields.Length} fields where {string.Join("::", _columns)} was expected: {line}");
        }

        public string? Text(int column) => _fields[column].Length > 0 ? _fields[column] : null;

        public InputException Error(int column, string reason) => new($"{_name}, line {_line}: column '{_columns[column]}' {reason}.");

        public void Dispose() => _text.Dispose();

        private static bool IsUtf8(string path)
        {
            try
            {
                using var reader = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
                var buffer = new char[1 << 16];
                while (reader.Read(buffer) > 0)
                {
                }

                return true;
            }
            catch (DecoderFallbackException)
            {
                // ml-1m is Latin-1: the file itself is the only thing that tells.
                return false;
            }
        }
    }
}

/// <summary>Rows of a MovieLens file, columns by position.</summary>
internal interface IMovieLensRows : IDisposable
{
    bool Read();

    string? Text(int column);

    InputException Error(int column, string reason);

    string RequiredText(int column) => Text(column) ?? throw Error(column, "is empty");

    /// <summary>An id; 1.0, as programs write a column with gaps, is 1.</summary>
    string RequiredId(int column) => RowIds.Plain(RequiredText(column).Trim());

    double Number(int column)
    {
        var text = RequiredText(column);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : throw Error(column, $"has '{text}' where a number was expected");
    }
}
