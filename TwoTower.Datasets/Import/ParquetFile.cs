using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Parquet;
using Parquet.Data;
using Parquet.Schema;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>A Parquet file; memory is one row group of those columns that are read.</summary>
internal sealed class ParquetFile : TableFile
{
    private readonly ParquetReader _reader;
    private readonly string[] _header;
    private readonly DataField?[] _fields;
    private readonly string?[]?[] _columns;
    private readonly long _total;
    private ParquetRowGroupReader? _group;
    private int _nextGroup;
    private long _row;
    private long _before;
    private int _at = -1;
    private int _count;

    [SetsRequiredMembers]
    private ParquetFile(ParquetReader reader, string name)
    {
        _reader = reader;
        Name = name;
        _header = [.. reader.Schema.Fields.Select(field => field.Name)];

        // A column is one field, or a list of one; what is nested deeper can't be read as a column.
        _fields = [.. _header.Select(column =>
            reader.Schema.DataFields.Where(field => field.Path.FirstPart == column).ToList() is [{ MaxRepetitionLevel: <= 1 } only] ? only
            : null)];
        _columns = new string?[]?[_header.Length];
        _total = Enumerable.Range(0, reader.RowGroupCount).Sum(at =>
        {
            using var group = reader.OpenRowGroupReader(at);
            return group.RowCount;
        });
    }

    public override long Line => _row;

    public override string Place => $"{Name}, row {_row}";

    public override IReadOnlyList<string> Header => _header;

    public override double? Fraction => _total > 0 ? (double)_row / _total : null;

    /// <summary>Opens a file.</summary>
    public static ParquetFile Open(string path)
    {
        var name = Path.GetFileName(path);
        return Guard(name, () => new ParquetFile(ParquetReader.CreateAsync(path, null, default).GetAwaiter().GetResult(), name));
    }

    public override bool Read()
    {
        while (_at + 1 >= _count)
        {
            _group?.Dispose();
            _group = null;
            if (_nextGroup == _reader.RowGroupCount) return false;
            _before += _count;
            _group = Guard(Name, () => _reader.OpenRowGroupReader(_nextGroup++));
            (_at, _count) = (-1, checked((int)_group.RowCount));
            Array.Clear(_columns);
        }

        _row = _before + ++_at + 1;
        return true;
    }

    public override ReadOnlySpan<byte> Bytes(int index) => Text(index) is { } text ? Encoding.UTF8.GetBytes(text) : [];

    public override bool IsNull(int index) => Text(index) is null;

    public override string? Text(int index)
    {
        var text = (_columns[index] ??= Guard(Name, () => ReadColumn(index)))[_at];
        return text?.Contains('\0', StringComparison.Ordinal) == true
            ? throw new BadRowException(
                $"{Place}: column '{_header[index]}' has a NUL character: '{CsvFile.Show(text)}'. PostgreSQL takes none: leave it out.")
            : text;
    }

    public override void Dispose()
    {
        _group?.Dispose();
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private string?[] ReadColumn(int index)
    {
        var field = _fields[index] ?? throw new InputException(
            $"{Name}: column '{_header[index]}' is nested; a column of values or of lists of values was expected.");
        using var raw = _group!.ReadRawColumnDataBaseAsync(field, default).AsTask().GetAwaiter().GetResult();
        return raw switch
        {
            RawColumnData<bool> data => Texts(data, field, value => value ? "true" : "false"),
            RawColumnData<ReadOnlyMemory<char>> data => Texts(data, field, value => value.ToString()),
            RawColumnData<ReadOnlyMemory<byte>> data => Texts(data, field, value => OfBytes(value.Span, index)),
            RawColumnData<Guid> data => Texts(data, field, value => value.ToString()),
            RawColumnData<DateTime> data =>
                Texts(data, field, value => InstantText.Format(new DateTimeOffset(DateTime.SpecifyKind(value, DateTimeKind.Utc)))),
            RawColumnData<DateTimeOffset> data => Texts(data, field, InstantText.Format),
            RawColumnData<byte> data => Texts(data, field, Number),
            RawColumnData<sbyte> data => Texts(data, field, Number),
            RawColumnData<short> data => Texts(data, field, Number),
            RawColumnData<ushort> data => Texts(data, field, Number),
            RawColumnData<int> data => Texts(data, field, Number),
            RawColumnData<uint> data => Texts(data, field, Number),
            RawColumnData<long> data => Texts(data, field, Number),
            RawColumnData<ulong> data => Texts(data, field, Number),
            RawColumnData<float> data => Texts(data, field, Number),
            RawColumnData<double> data => Texts(data, field, Number),
            RawColumnData<decimal> data => Texts(data, field, Number),
            RawColumnData<DateOnly> data => Texts(data, field, value => value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            _ => throw new InputException(
                $"{Name}: column '{_header[index]}' is of a type ({field.ClrType.Name}) that can't be read; write texts, numbers or times."),
        };
    }

    private string OfBytes(ReadOnlySpan<byte> bytes, int index)
    {
        // 16 bytes of any text are no uuid: the column's type has to say that all values are of that length.
        if (_fields[index]?.SchemaElement is { Type: Parquet.Meta.Type.FIXED_LEN_BYTE_ARRAY, TypeLength: 16 }
            && _header[index].EndsWith("id", StringComparison.OrdinalIgnoreCase)) return new Guid(bytes, bigEndian: true).ToString();
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{Name}: column '{_header[index]}' has bytes that are not UTF-8 text.", error);
        }
    }

    private static string Number<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    // Values are there for those levels only that are the highest; a row begins where the repetition level is 0.
    private string?[] Texts<T>(RawColumnData<T> raw, DataField field, Func<T, string> text) where T : struct
    {
        var texts = new string?[_count];
        var next = 0;
        var values = raw.Values;
        if (field.MaxRepetitionLevel == 0)
        {
            for (var row = 0; row < texts.Length; row++)
            {
                if (field.MaxDefinitionLevel == 0
                    || raw.DefinitionLevels[row] == field.MaxDefinitionLevel) texts[row] = text(values[next++]);
            }

            return texts;
        }

        var list = new StringBuilder();
        var current = -1;
        for (var at = 0; at < raw.RepetitionLevels.Length; at++)
        {
            if (raw.RepetitionLevels[at] == 0)
            {
                if (current >= 0 && list.Length > 0) texts[current] = list.Append('}').ToString();
                current++;
                list.Clear();
                if (raw.DefinitionLevels[at] > 0 || field.MaxDefinitionLevel == 1) list.Append('{');
            }

            if (raw.DefinitionLevels[at] < field.MaxDefinitionLevel)
            {
                // No list, an empty one, or an element that is null.
                if (field.IsNullable && raw.DefinitionLevels[at] == field.MaxDefinitionLevel - 1
                    && list.Length > 0) list.Append(list.Length > 1 ? ",NULL" : "NULL");
                continue;
            }

            var value = text(values[next++]);
            if (list.Length > 1) list.Append(',');
            if (typeof(T) == typeof(float) || typeof(T) == typeof(double)) list.Append(value);
            else list.Append('"')
                .Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        if (current >= 0 && list.Length > 0) texts[current] = list.Append('}').ToString();
        return texts;
    }

    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not (InputException or OutOfMemoryException))
        {
            // A damaged file shows itself in any way.
            throw new InputException($"{name} can't be read as Parquet: {error.Message}", error);
        }
    }
}
