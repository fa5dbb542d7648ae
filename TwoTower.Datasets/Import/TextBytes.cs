using System.Text;

namespace TwoTower.Datasets.Import;

/// <summary>The bytes of text files.</summary>
internal static class TextBytes
{
    /// <summary>
    /// Opens a file, plain or gzip, as UTF-8 without its byte order mark. UTF-16 and UTF-32, known by their mark, are turned into it and
    /// fail on what is no text; UTF-8 is passed on as it is, for the reader to check row by row.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="file">The file as it is on disk, closed with the text: tells how far it is read.</param>
    public static Stream OpenUtf8(string path, out FileStream file)
    {
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        Stream bytes = file;
        try
        {
            if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) bytes = new WholeGzip(bytes, Path.GetFileName(path));
            var start = new byte[4];
            var read = bytes.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            var (encoding, mark) = Encoding(start.AsSpan(0, read));
            bytes = new Prefixed(start[mark..read], bytes);
            return encoding is null ? bytes : System.Text.Encoding.CreateTranscodingStream(bytes, encoding, new UTF8Encoding(false));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>A stream that begins with what was read of it already.</summary>
    public static Stream Again(byte[] start, Stream rest) => new Prefixed(start, rest);

    private static (Encoding? Encoding, int MarkBytes) Encoding(ReadOnlySpan<byte> start) => start switch
    {
        [0xEF, 0xBB, 0xBF, ..] => (null, 3),
        [0xFF, 0xFE, 0, 0] => (new UTF32Encoding(false, false, throwOnInvalidCharacters: true), 4),
        [0, 0, 0xFE, 0xFF] => (new UTF32Encoding(true, false, throwOnInvalidCharacters: true), 4),
        [0xFF, 0xFE, ..] => (new UnicodeEncoding(false, false, throwOnInvalidBytes: true), 2),
        [0xFE, 0xFF, ..] => (new UnicodeEncoding(true, false, throwOnInvalidBytes: true), 2),
        _ => (null, 0),
    };

    // Bytes that were read already, and then the rest.
    private sealed class Prefixed(byte[] prefix, Stream rest) : Stream
    {
        private int _given;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_given == prefix.Length) return rest.Read(buffer);
            var count = Math.Min(buffer.Length, prefix.Length - _given);
            prefix.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) rest.Dispose();
            base.Dispose(disposing);
        }
    }
}
