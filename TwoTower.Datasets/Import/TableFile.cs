using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>One file of a table, read row by row; columns are found by name. Every error names file, line, column and value.</summary>
internal abstract class TableFile : INamedColumns, IDisposable
{
    /// <summary>File name, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>Line or row where the row at hand begins, from 1.</summary>
    public abstract long Line { get; }

    /// <summary>Column names as they are written.</summary>
    public abstract IReadOnlyList<string> Header { get; }

    /// <summary>Where the row at hand is, for messages.</summary>
    public virtual string Place => $"{Name}, line {Line}";

    /// <summary>The part of the file that is read; null where nobody can say.</summary>
    public virtual double? Fraction => null;

    /// <summary>The column of a name; case, spaces and underscores don't matter unless two columns differ in them only.</summary>
    /// <exception cref="InputException">There is none, and it is required; or there are two.</exception>
    public CsvColumn Column(string name, bool required = false)
    {
        var found = ColumnNames.Find(Header, name);
        if (found.Count > 1)
        {
            throw new InputException(found.All(at => Header[at] == name)
                ? $"{Name} has the column '{name}' twice."
                : $"{Name} has the column '{name}' more than once: {string.Join(", ", found.Select(at => $"'{Header[at]}'"))}. Leave one.");
        }

        if (found.Count == 0 && required)
        {
            throw new InputException($"{Name} has no column '{name}'; its header is: {string.Join(",", Header)}{ColumnNames.Hint(Header, name)}");
        }

        return found.Count == 0 ? CsvColumn.None(this, name) : new(this, Header[found[0]], found[0]);
    }

    /// <summary>Moves to the next row.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="BadRowException">The row is wrong; the next one can be read.</exception>
    public abstract bool Read();

    /// <summary>A field of the row at hand as UTF-8, valid until the next read.</summary>
    public abstract ReadOnlySpan<byte> Bytes(int index);

    /// <summary>True when the field says nothing: NULL. A text that is empty, <c>""</c> in CSV, isn't.</summary>
    public abstract bool IsNull(int index);

    /// <summary>A field of the row at hand as text; null when it says nothing.</summary>
    public abstract string? Text(int index);

    public abstract void Dispose();
}

/// <summary>A row can't be used, but those after it can be read.</summary>
internal sealed class BadRowException(string message) : InputException(message);
