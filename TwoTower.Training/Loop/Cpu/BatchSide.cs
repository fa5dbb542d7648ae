namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// One side (users or items) of a batch, with repeats taken out. Row: a distinct user or item. Encoding: a row under one dropout mask;
/// a row has as many as it has samples, or fewer where samples share masks. Rows are in order of first appearance, the encodings of a row
/// and the samples of an encoding lie together.
/// </summary>
internal sealed class BatchSide(int distinct, int batchSize, int masksPerRow)
{
    private readonly int[] _seenIn = new int[distinct];
    private readonly int[] _slot = new int[distinct];
    private readonly int[] _count = new int[batchSize];
    private int _batch;

    /// <summary>Distinct rows of the batch.</summary>
    public int Rows { get; private set; }

    /// <summary>Encodings of the batch.</summary>
    public int Encodings { get; private set; }

    /// <summary>Per row, its row of the feature matrix.</summary>
    public int[] FeatureRow { get; } = new int[batchSize];

    /// <summary>Per row, its first encoding; one entry more for the end.</summary>
    public int[] FirstEncoding { get; } = new int[batchSize + 1];

    /// <summary>Per sample of the batch, its encoding.</summary>
    public int[] EncodingOf { get; } = new int[batchSize];

    /// <summary>Per encoding, its first entry in <see cref="Samples"/>; one entry more for the end.</summary>
    public int[] FirstSample { get; } = new int[batchSize + 1];

    /// <summary>Samples of the batch (0 .. n − 1), grouped by encoding.</summary>
    public int[] Samples { get; } = new int[batchSize];

    /// <summary>Takes in a batch: samples as rows of the training set, and the side's index of each of these.</summary>
    public void Load(ReadOnlySpan<int> samples, int[] index)
    {
        _batch++;
        Rows = 0;
        for (var s = 0; s < samples.Length; s++)
        {
            var feature = index[samples[s]];
            if (_seenIn[feature] != _batch)
            {
                _seenIn[feature] = _batch;
                _slot[feature] = Rows;
                _count[Rows] = 0;
                FeatureRow[Rows++] = feature;
            }

            EncodingOf[s] = _count[_slot[feature]]++; // for now the sample's number among those of its row
        }

        FirstEncoding[0] = 0;
        for (var row = 0; row < Rows; row++) FirstEncoding[row + 1] = FirstEncoding[row] + Math.Min(_count[row], masksPerRow);
        Encodings = FirstEncoding[Rows];

        Array.Clear(FirstSample, 0, Encodings + 1);
        for (var s = 0; s < samples.Length; s++)
        {
            var row = _slot[index[samples[s]]];
            EncodingOf[s] = FirstEncoding[row] + EncodingOf[s] % (FirstEncoding[row + 1] - FirstEncoding[row]);
            FirstSample[EncodingOf[s] + 1]++;
        }

        for (var e = 0; e < Encodings; e++) FirstSample[e + 1] += FirstSample[e];
        // Filling moves each start to its end; going backwards keeps samples ascending and leaves the starts right.
        for (var e = Encodings; e > 0; e--) FirstSample[e] = FirstSample[e - 1];
        for (var s = 0; s < samples.Length; s++) Samples[FirstSample[EncodingOf[s] + 1]++] = s;
        FirstSample[0] = 0;
    }

    /// <summary>Takes in rows of the feature matrix as they are, one encoding each.</summary>
    public void LoadRows(int first, int count)
    {
        (Rows, Encodings) = (count, count);
        for (var row = 0; row < count; row++) (FeatureRow[row], FirstEncoding[row]) = (first + row, row);
        FirstEncoding[count] = count;
    }

    /// <summary>The rows of one worker's share: shares are equal by rows plus encodings.</summary>
    public (int Begin, int End) Share(int share, int shares) => (Boundary(share, shares), Boundary(share + 1, shares));

    private int Boundary(int share, int shares)
    {
        var target = (long)(Rows + Encodings) * share / shares;
        int low = 0, high = Rows;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (middle + FirstEncoding[middle] < target) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
