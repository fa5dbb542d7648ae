using System.Diagnostics.CodeAnalysis;

namespace TwoTower.Datasets.Import;

/// <summary>A file whose columns are called otherwise.</summary>
internal sealed class RenamedFile : TableFile
{
    private readonly TableFile _file;
    private readonly string[] _header;

    /// <param name="file">The file; closed with this one.</param>
    /// <param name="names">New names by old one; others stay, but for those that a new name would be mistaken for.</param>
    [SetsRequiredMembers]
    public RenamedFile(TableFile file, IReadOnlyDictionary<string, string> names)
    {
        _file = file;
        Name = file.Name;
        var taken = names.Values.ToHashSet(StringComparer.OrdinalIgnoreCase);
        _header = [.. file.Header.Select(column =>
            names.TryGetValue(column, out var other) ? other : taken.Contains(column) ? $"{column} (not in the map)" : column)];
    }

    public override long Line => _file.Line;

    public override string Place => _file.Place;

    public override double? Fraction => _file.Fraction;

    public override IReadOnlyList<string> Header => _header;

    public override bool Read() => _file.Read();

    public override ReadOnlySpan<byte> Bytes(int index) => _file.Bytes(index);

    public override bool IsNull(int index) => _file.IsNull(index);

    public override string? Text(int index) => _file.Text(index);

    public override void Dispose() => _file.Dispose();
}
