namespace TwoTower.Core.Features;

/// <summary>Tokens and their columns in a bag-of-words segment.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _columns;

    /// <summary>Creates a vocabulary from tokens in vector order.</summary>
    /// <exception cref="InputException">A token is there twice.</exception>
    public Vocabulary(IReadOnlyList<string> tokens)
    {
        Tokens = tokens;
        _columns = new(tokens.Count, StringComparer.Ordinal);
        for (var column = 0; column < tokens.Count; column++)
        {
            if (!_columns.TryAdd(tokens[column], column))
            {
                throw new InputException(
                    $"The vocabulary has the token '{tokens[column]}' twice (columns {_columns[tokens[column]]} and {column}); "
                    + "each token must be there once.");
            }
        }
    }

    /// <summary>Tokens in vector order.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>
    /// Counts tokens once per video that has them, keeps those at <paramref name="minFrequency"/> and up, orders them by count
    /// descending then by code point, and cuts at <paramref name="maxSize"/>.
    /// </summary>
    /// <param name="tokensOfVideos">The tokens of each video.</param>
    /// <param name="maxSize">Most tokens kept.</param>
    /// <param name="minFrequency">Videos that a token must be on.</param>
    public static Vocabulary Fit(IEnumerable<IReadOnlyList<string>> tokensOfVideos, int maxSize, int minFrequency)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tokens in tokensOfVideos)
        {
            seen.Clear();
            foreach (var token in tokens)
            {
                if (seen.Add(token)) counts[token] = counts.GetValueOrDefault(token) + 1;
            }
        }

        return new([.. counts
            .Where(pair => pair.Value >= minFrequency)
            .OrderByDescending(pair => pair.Value)
            .ThenBy(pair => pair.Key, CodePointComparer.Instance)
            .Take(maxSize)
            .Select(pair => pair.Key)]);
    }

    /// <summary>
    /// Writes counts per token divided by their L2 norm; unknown tokens are ignored, all zeros stays zero.
    /// </summary>
    /// <param name="tokens">Tokens, repeats counted.</param>
    /// <param name="destination">[Tokens.Count], zeros before the call.</param>
    public void Encode(IReadOnlyList<string> tokens, Span<float> destination)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            if (_columns.TryGetValue(tokens[i], out var column)) destination[column]++;
        }

        var squares = 0.0;
        foreach (var count in destination) squares += (double)count * count;
        if (squares == 0) return;

        var norm = Math.Sqrt(squares);
        foreach (ref var value in destination)
        {
            if (value != 0) value = (float)(value / norm);
        }
    }
}
