using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>
/// The ids of users, or of videos, in all files of a folder: uuids, or else whole numbers and texts, each of which stands for a uuid that
/// is made from it and so is the same in every import. A folder has the one or the other, so that a uuid with a fault isn't taken for a
/// text.
/// </summary>
/// <param name="prefix">What an id is made a name with, such as <c>two_tower:user:</c>.</param>
internal sealed class RowIds(string prefix)
{
    private readonly Dictionary<string, Guid> _made = [];
    private readonly Dictionary<Guid, string> _texts = [];
    private string? _first;
    private bool _areUuids;

    /// <summary>True when the ids are numbers or texts.</summary>
    public bool AreTexts => _first is not null && !_areUuids;

    public static RowIds Users() => new("two_tower:user:");

    public static RowIds Videos() => new("two_tower:video:");

    /// <summary>The text that an id was made from; null for a uuid of the files.</summary>
    public string? TextOf(Guid id) => _texts.GetValueOrDefault(id);

    /// <summary>Takes a uuid as it is.</summary>
    public Guid OfUuid(Guid id, CsvColumn column)
    {
        if (_first is null) Begin(areUuids: true, id.ToString(), column);
        return _areUuids ? id : throw column.Error($"has '{id}', a uuid, where {_first}: write all of these ids as uuids, or none");
    }

    /// <summary>The uuid of another id.</summary>
    public Guid OfText(string text, CsvColumn column)
    {
        if (_made.TryGetValue(text, out var known)) return known;
        var isUuid = Uuid.TryParse(text, out var id);

        // 32 hexadecimal digits may be a checksum as well: they are a uuid only among uuids.
        if (!isUuid && Guid.TryParse(text, out var other) && (_areUuids || !Guid.TryParseExact(text, "N", out _)))
        {
            throw column.Error($"has '{CsvFile.Show(text)}', a uuid in a form that isn't taken: write it as {other}");
        }

        if (_first is null) Begin(isUuid, text, column);
        if (_areUuids)
        {
            return isUuid
                ? id
                : throw column.Error($"has '{CsvFile.Show(text)}', which is no uuid, where {_first}: write all of these ids as uuids, or none");
        }

        var plain = Plain(text);
        var made = NamedUuid.Of(prefix + plain);
        _made.Add(text, made);
        _texts[made] = plain;
        return made;
    }

    /// <summary>An id without what programs add to whole numbers of a column with gaps: <c>1.0</c> is 1.</summary>
    public static string Plain(string id)
    {
        var point = id.IndexOf('.', StringComparison.Ordinal);
        return point > 0 && id.AsSpan(point + 1).TrimStart('0').IsEmpty && id.AsSpan(0, point).TrimStart('-') is { IsEmpty: false } whole
            && whole.IndexOfAnyExceptInRange('0', '9') < 0
            ? id[..point]
            : id;
    }

    private void Begin(bool areUuids, string text, CsvColumn column)
    {
        _areUuids = areUuids;
        _first = $"{column.Place}, has '{CsvFile.Show(text)}'";
    }
}
