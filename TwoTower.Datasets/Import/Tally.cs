using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>Rows of one kind that something is to be said about: how many, and the first.</summary>
internal sealed class Tally
{
    private string? _first;

    public long Count { get; private set; }

    /// <summary>Counts the row at hand of a file.</summary>
    /// <param name="column">The column that is the reason, if there is one.</param>
    public void Add(TableFile file, CsvColumn? column = null)
    {
        if (Count++ == 0) _first = column?.Text() is { } text ? $"{Row(file)}, '{CsvFile.Show(text)}'" : Row(file);
    }

    /// <summary>Counts a row that is told as a text.</summary>
    public void Add(string example)
    {
        if (Count++ == 0) _first = example;
    }

    /// <summary>Says it, where there are any.</summary>
    /// <param name="total">Of how many rows.</param>
    /// <param name="what">Follows the numbers, such as "decisions name a video that isn't in videos.csv".</param>
    public void Tell(Action<string>? say, long total, string what)
    {
        if (Count > 0) say?.Invoke(Sentence(total, what));
    }

    public string Sentence(long total, string what) => $"{Amounts.Count(Count)} of {Amounts.Count(total)} {what} (the first: {_first})";

    private static string Row(TableFile file) => file.Place[(file.Name.Length + 2)..];
}
