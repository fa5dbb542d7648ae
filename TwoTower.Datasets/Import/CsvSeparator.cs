namespace TwoTower.Datasets.Import;

/// <summary>
/// Finds what separates the fields of a file whose name says commas: spreadsheets write semicolons under that name in half of the world,
/// and others tabs. The header tells: what it has most of, outside quotes.
/// </summary>
internal static class CsvSeparator
{
    // Of a header that is longer, the beginning tells.
    private const int MaxBytes = 1 << 20;

    private static readonly char[] Candidates = [',', ';', '\t'];

    /// <summary>Reads the first line.</summary>
    /// <param name="text">The file, as UTF-8, at its beginning.</param>
    /// <param name="quotes">False: a quote is a character like any other.</param>
    /// <returns>The separator, a comma where there is none; and the file, at its beginning again.</returns>
    public static (char Separator, Stream Text) Find(Stream text, bool quotes)
    {
        var header = new Header(quotes);
        var start = new MemoryStream();
        var block = new byte[4096];
        while (start.Length < MaxBytes && text.Read(block) is > 0 and var read)
        {
            start.Write(block, 0, read);
            if (header.EndsIn(block.AsSpan(0, read))) break;
        }

        return (header.Separator, TextBytes.Again(start.ToArray(), text));
    }

    private sealed class Header(bool quotes)
    {
        private readonly int[] _counts = new int[Candidates.Length];
        private bool _isQuoted;

        // A quote opens a field, or, doubled, goes on with one; in the middle of a field it is text.
        private bool _mayOpen = true;
        private bool _isEmpty = true;

        public char Separator => Candidates[Array.IndexOf(_counts, _counts.Max())];

        public bool EndsIn(ReadOnlySpan<byte> bytes)
        {
            foreach (var value in bytes)
            {
                if (value == '"' && quotes && (_isQuoted || _mayOpen))
                {
                    (_isQuoted, _mayOpen, _isEmpty) = (!_isQuoted, true, false);
                    continue;
                }

                if (_isQuoted) continue;
                if (value is (byte)'\r' or (byte)'\n')
                {
                    if (_isEmpty) continue;
                    return true;
                }

                var candidate = Array.IndexOf(Candidates, (char)value);
                if (candidate >= 0) _counts[candidate]++;
                (_mayOpen, _isEmpty) = (candidate >= 0, false);
            }

            return false;
        }
    }
}
