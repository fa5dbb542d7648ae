using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Bad rows of the files that are read: the first ten are told, not only the first; some may be gone past.</summary>
/// <param name="skip">How many bad rows are left out at most.</param>
internal sealed class RowFaults(int skip)
{
    /// <summary>How many bad rows are listed at most.</summary>
    public const int Listed = 100_000;

    private const int Told = 10;
    private readonly List<string> _messages = [];

    /// <summary>How many rows were left out.</summary>
    public int Count { get; private set; }

    /// <summary>A line for each row that was left out, of the first <see cref="Listed"/>.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>An error that bad rows may be the cause of: those are told with it, first.</summary>
    public InputException Refusal(string reason) =>
        new(string.Join('\n', _messages.Take(Told).Append(Count > 0 ? $"{reason} The rows above are bad, and left out." : reason)));

    /// <summary>Calls an action for every row of a file; at its end, too many bad rows are an error.</summary>
    public void EachRow(TableFile file, Action row)
    {
        foreach (var _ in Rows(file, () =>
        {
            row();
            return (true, true);
        }))
        {
        }
    }

    /// <summary>Makes something of every row of a file, one by one; at its end, too many bad rows are an error.</summary>
    /// <param name="make">Makes it; false where there is nothing to make.</param>
    public IEnumerable<T> Rows<T>(TableFile file, Func<(bool IsOne, T Value)> make)
    {
        while (true)
        {
            (bool IsOne, T Value) made;
            try
            {
                if (!file.Read()) break;
                made = make();
            }
            catch (BadRowException error)
            {
                Count++;
                if (_messages.Count < Listed) _messages.Add(error.Message);
                if (Count > skip && Count >= Told) break;
                continue;
            }

            if (made.IsOne) yield return made.Value;
        }

        if (Count <= skip) yield break;
        var first = _messages.Take(skip > 0 ? 1 : Told);
        throw new InputException(string.Join("\n", first)
            + (skip > 0 ? $"\n{Count} bad rows are more than the {skip} that may be left out. Nothing was imported."
                : Count >= Told ? "\nThere may be more: reading stopped here." : ""));
    }
}
