using System.IO.Compression;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>
/// A gzip file, decompressed, that fails when it ends in the middle or when something follows it. .NET's <see cref="GZipStream"/> checks the
/// CRC and length of every member that it reaches the end of, but takes a cut-off file for a short one and ignores what follows. So a
/// member of our own is read behind the file: what it holds comes out whole only when the file before it was whole.
/// </summary>
internal sealed class WholeGzip : Stream
{
    // Compressed it is a few bytes, so that it isn't found in them as it stands, as it would be if they were copied.
    private static readonly byte[] Mark = [.. Enumerable.Repeat("two_tower.end."u8.ToArray(), 16).SelectMany(bytes => bytes)];
    private static readonly byte[] MarkMember = Compress(Mark);

    private readonly string _name;
    private readonly FileThenMark _source;
    private readonly GZipStream _text;

    // What was decompressed last is held back until it is known not to be the mark.
    private readonly byte[] _held = new byte[(1 << 16) + Mark.Length];
    private int _from;
    private int _to;
    private bool _ended;

    public WholeGzip(Stream file, string name)
    {
        _name = name;
        _source = new(file);
        _text = new(_source, CompressionMode.Decompress);
    }

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
        if (buffer.IsEmpty) return 0;
        while (!_ended && _to - _from <= Mark.Length) Fill();
        var count = Math.Min(buffer.Length, _to - _from - (_ended ? 0 : Mark.Length));
        _held.AsSpan(_from, count).CopyTo(buffer);
        _from += count;
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
        if (disposing) _text.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        _held.AsSpan(_from, _to - _from).CopyTo(_held);
        (_from, _to) = (0, _to - _from);
        int read;
        try
        {
            read = _text.Read(_held, _to, _held.Length - _to);
        }
        catch (InvalidDataException error)
        {
            throw _source.IsAtMark ? CutOff(error) : new InputException($"{_name} is damaged, or no gzip file: {error.Message} Make it anew.", error);
        }

        _to += read;
        if (read > 0) return;
        _ended = true;
        if (_held.AsSpan(0, _to).EndsWith(Mark)) _to -= Mark.Length;
        else throw _source.IsAtMark ? CutOff(null) : new InputException($"{_name} has bytes behind its end that are no gzip data. Make it anew.");
    }

    private InputException CutOff(Exception? error)
    {
        var message = $"{_name} ends in the middle: it was cut off after {_source.FileBytes:N0} bytes. Copy or make it anew.";
        return error is null ? new(message) : new(message, error);
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Optimal)) zip.Write(bytes);
        return memory.ToArray();
    }

    // The bytes of a file, and in a read of their own those of the mark's member.
    private sealed class FileThenMark(Stream file) : Stream
    {
        private int _given;

        public long FileBytes { get; private set; }

        public bool IsAtMark { get; private set; }

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
            if (!IsAtMark)
            {
                var read = file.Read(buffer);
                FileBytes += read;
                if (read > 0) return read;
                IsAtMark = true;
            }

            var count = Math.Min(buffer.Length, MarkMember.Length - _given);
            MarkMember.AsSpan(_given, count).CopyTo(buffer);
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
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
