using TwoTower.Core.Rows;

namespace TwoTower.Training.Histories;

/// <summary>TF-IDF vectors of what a catalogue says of its items: tags and performers, idf = ln(items ÷ items with the token), length
/// 1.</summary>
internal sealed class ContentVectors
{
    private readonly (int Token, float Weight)[][] _items;
    private readonly Lazy<(int Item, float Weight)[][]> _having; // [tokens]

    /// <summary>Computes them over all items.</summary>
    public ContentVectors(IReadOnlyList<VideoRow> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var numbers = new Dictionary<(char, string), int>();
        var tokens =
            items.Select(video => video.Tags.Select(tag => ('t', tag)).Concat(video.Performers.Select(name => ('p', name))).Distinct()
            .Select(token => numbers.TryGetValue(token, out var number) ? number : numbers[token] = numbers.Count).ToArray()).ToArray();
        TokenCount = numbers.Count;
        var frequency = new int[TokenCount];
        foreach (var token in tokens.SelectMany(token => token)) frequency[token]++;
        _items = [.. tokens.Select(token => Unit([.. token.Select(t => (t, (float)Math.Log((double)items.Count / frequency[t])))]))];
        _having = new(Invert);
    }

    /// <summary>Items.</summary>
    public int Count => _items.Length;

    /// <summary>Distinct tokens.</summary>
    public int TokenCount { get; }

    /// <summary>The non-zero weights of an item.</summary>
    public ReadOnlySpan<(int Token, float Weight)> this[int item] => _items[item];

    /// <summary>Adds <paramref name="weight"/> times the cosines of an item with all items, itself included. <paramref name="sums"/>: [items].</summary>
    public void AddCosines(int item, float weight, Span<float> sums)
    {
        foreach (var (token, own) in _items[item])
        {
            foreach (var (other, its) in _having.Value[token]) sums[other] += weight * own * its;
        }
    }

    /// <summary>The items that have a token in common, ascending: of each token that two items have, and at most this share of
    /// all.</summary>
    public IEnumerable<int[]> Groups(double mostShare) =>
        _having.Value.Where(having => having.Length >= 2 && having.Length <= mostShare * _items.Length).Select(
            having => having.Select(pair => pair.Item).ToArray());

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

    private (int Item, float Weight)[][] Invert()
    {
        var having = Enumerable.Range(0, TokenCount).Select(_ => new List<(int, float)>()).ToArray();
        for (var item = 0; item < _items.Length; item++)
        {
            foreach (var (token, weight) in _items[item]) having[token].Add((item, weight));
        }

        return [.. having.Select(pairs => pairs.ToArray())];
    }

    private static (int, float)[] Unit((int Token, float Weight)[] vector)
    {
        var norm = Math.Sqrt(vector.Sum(pair => (double)pair.Weight * pair.Weight));
        return norm == 0 ? [] : [.. vector.Where(pair => pair.Weight > 0).Select(pair => (pair.Token, (float)(pair.Weight / norm)))];
    }
}
