using TwoTower.Core.Data;

namespace TwoTower.Trainer.Evaluation;

/// <summary>TF-IDF vectors of what a catalogue says of its items: tags and performers, idf = ln(items ÷ items with the token), length 1.</summary>
public sealed class ContentVectors
{
    private readonly (int Token, float Weight)[][] _items;

    /// <summary>Computes them over all items of a split.</summary>
    public ContentVectors(IReadOnlyList<VideoRow> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var numbers = new Dictionary<(char, string), int>();
        var tokens = items.Select(video => video.Tags.Select(tag => ('t', tag)).Concat(video.Performers.Select(name => ('p', name))).Distinct()
            .Select(token => numbers.TryGetValue(token, out var number) ? number : numbers[token] = numbers.Count).ToArray()).ToArray();
        TokenCount = numbers.Count;
        var frequency = new int[TokenCount];
        foreach (var token in tokens.SelectMany(token => token)) frequency[token]++;
        _items = [.. tokens.Select(token => Unit([.. token.Select(t => (t, (float)Math.Log((double)items.Count / frequency[t])))]))];
    }

    /// <summary>Distinct tokens.</summary>
    public int TokenCount { get; }

    /// <summary>The non-zero weights of an item.</summary>
    public ReadOnlySpan<(int Token, float Weight)> this[int item] => _items[item];

    /// <summary>Cosine of two items; 0 where one has no content.</summary>
    public float Cosine(int a, int b)
    {
        var weights = _items[a].ToDictionary(pair => pair.Token, pair => pair.Weight);
        var sum = 0f;
        foreach (var (token, weight) in _items[b]) sum += weight * weights.GetValueOrDefault(token);
        return sum;
    }

    /// <summary>1 − the mean cosine over all pairs of the items given; 0 with fewer than two.</summary>
    public double Diversity(ReadOnlySpan<int> items)
    {
        if (items.Length < 2) return 0;

        // Σ over pairs of a·b = (|Σ a|² − Σ |a|²) / 2.
        var sum = new Dictionary<int, float>();
        double squares = 0;
        foreach (var item in items)
        {
            foreach (var (token, weight) in _items[item])
            {
                sum[token] = sum.GetValueOrDefault(token) + weight;
                squares += weight * weight;
            }
        }

        var pairs = (sum.Values.Sum(x => (double)x * x) - squares) / 2;
        return 1 - pairs / (items.Length * (items.Length - 1) / 2.0);
    }

    private static (int, float)[] Unit((int Token, float Weight)[] vector)
    {
        var norm = Math.Sqrt(vector.Sum(pair => (double)pair.Weight * pair.Weight));
        return norm == 0 ? [] : [.. vector.Where(pair => pair.Weight > 0).Select(pair => (pair.Token, (float)(pair.Weight / norm)))];
    }
}
