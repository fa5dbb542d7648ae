using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Bad rows of the files that are read: the first ten are told, not only the first; some may be gone past.</summary>
/// <param name="skip">How many bad rows are left out at most.</param>
internal sealed class RowFaults(int skip)
{
    private const int Told = 10;
    private readonly List<string> _messages = [];

    /// <summary>A line for each row that was left out.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>Calls an action for every row of a file; at its end, too many bad rows are an error.</summary>
    public void EachRow(TableFile file, Action row)
    {
        while (true)
        {
            try
            {
                if (!file.Read()) break;
                row();
            }
            catch (BadRowException error)
            {
                _messages.Add(error.Message);
                if (_messages.Count > skip && _messages.Count >= Told) break;
            }
        }

        if (_messages.Count <= skip) return;
        var first = _messages.Take(skip > 0 ? 1 : Told);
        throw new InputException(string.Join("\n", first)
            + (skip > 0 ? $"\n{_messages.Count} bad rows are more than the {skip} that may be left out. Nothing was imported."
                : _messages.Count >= Told ? "\nThere may be more: reading stopped here." : ""));
    }
}
