using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Rows of files on their way into a database. Decisions are read one by one, so that memory doesn't grow with them; profiles and videos
/// are whole once the decisions were read, because some layouts have both in one file.
/// </summary>
internal sealed class ImportSet : IDisposable
{
    private readonly SourceFolder _source;
    private readonly TableFile _file;
    private readonly Func<TableSet> _tables;
    private readonly RowFaults _faults;
    private readonly Action<string>? _say;
    private readonly ImportOptions _options;
    private readonly IEnumerable<DecisionEntry> _decisions;
    private bool _isRead;

    internal ImportSet(
        SourceFolder source, TableFile file, IEnumerable<DecisionEntry> decisions, Func<TableSet> tables, RowFaults faults,
        Action<string>? say, ImportOptions options)
    {
        (_source, _file, _decisions, _tables, _faults, _say, _options) = (source, file, decisions, tables, faults, say, options);
    }

    /// <summary>The decisions, to be read once. What is told of them is told at their end.</summary>
    /// <exception cref="InputException">A row is wrong; the message has file, line, column and value.</exception>
    public IEnumerable<DecisionEntry> Decisions()
    {
        foreach (var row in _decisions) yield return row;
        _isRead = true;
        if (_faults.Count == 0) yield break;
        if (_options.SkipBad < int.MaxValue) _say?.Invoke(
            $"{_faults.Count} bad {(_faults.Count == 1 ? "row is" : "rows are")} left out (the first: {_faults.Messages[0]})");
        _options.LeftOut?.Invoke(_faults.Messages);
    }

    /// <summary>The layout that the files have; null where a map says what is what, or nobody asked.</summary>
    public ImportFormat? Format { get; internal set; }

    /// <summary>Finds rows of <c>profiles</c> and <c>videos</c> by table and id.</summary>
    internal Func<string, Guid, string?>? Places { private get; init; }

    /// <summary>Where a row of <c>profiles</c> or <c>videos</c> came from, such as <c>videos.csv, line 3</c>; null where nobody
    /// knows.</summary>
    /// <param name="table">The table.</param>
    /// <param name="id">Its key.</param>
    public string? PlaceOf(string table, string id) => Guid.TryParse(id, out var key) ? Places?.Invoke(table, key) : null;

    /// <summary>Rows that were left out as bad so far.</summary>
    public int BadRows => _faults.Count;

    /// <summary>The first of them, a line each.</summary>
    public IEnumerable<string> FirstBadRows => _faults.Messages.Take(10);

    /// <summary>How many decisions there will be, by the part of the file that some of them took; 0 while nobody can say.</summary>
    /// <param name="read">Decisions that were read.</param>
    public long Estimate(long read) => read > 0 && _file.Fraction is { } part and > 0.001 ? Math.Max(read, (long)(read / part)) : 0;

    /// <summary>Profiles and videos, without decisions.</summary>
    public TableSet Tables() => _isRead ? _tables() : throw new InvalidOperationException("The decisions come first.");

    /// <summary>Reads all decisions into memory, each once.</summary>
    /// <param name="say">Told of repeated ones.</param>
    public TableSet ReadAll(Action<string>? say)
    {
        var (rows, exactRows) = (new List<DecisionRow>(), new List<ExactDecision>());
        var (keys, exactKeys) = (new HashSet<DecisionRow>(), new HashSet<ExactDecision>());
        var repeated = new Tally();
        var count = 0L;
        foreach (var entry in Decisions())
        {
            count++;
            if (entry.Exact is null)
            {
                var row = new DecisionRow(entry.UserId, entry.VideoId, entry.Type, entry.CreatedAt);
                if (keys.Add(row)) rows.Add(row);
                else repeated.Add(_file);
            }
            else
            {
                var row = new ExactDecision(entry.UserId, entry.VideoId, entry.Type, entry.Exact);
                if (exactKeys.Add(row)) exactRows.Add(row);
                else repeated.Add(_file);
            }
        }

        repeated.Tell(say, count, $"rows of {_file.Name} repeat one before them and are left out");
        return Tables() with { Decisions = rows, ExactDecisions = exactRows };
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _file.Dispose();
        _source.Dispose();
    }
}
