using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>Reads <c>video_features.csv</c>: vectors of videos that another program made. The file may be missing.</summary>
internal static class CsvVideoFeatureReader
{
    // What pgvector takes.
    private const int MaxDim = 16_000;

    /// <summary>The columns of the file.</summary>
    public static readonly IReadOnlyList<string> Columns = ["video_id", "name", "vector"];

    /// <summary>Reads the vectors, by video and name.</summary>
    /// <param name="file">The file, if there is one.</param>
    /// <param name="known">Reads the id of a video that is known.</param>
    /// <param name="faults">Takes bad rows.</param>
    /// <exception cref="InputException">A row is wrong; the message has file, line, column and value.</exception>
    public static Dictionary<Guid, Dictionary<string, float[]>> Read(TableFile? file, Func<CsvColumn, Guid> known, RowFaults faults)
    {
        var vectors = new Dictionary<Guid, Dictionary<string, float[]>>();
        if (file is null) return vectors;
        var (id, name, vector) = (file.Column("video_id", required: true), file.Column("name", required: true), file.Column("vector", required: true));
        var lengths = new Dictionary<string, int>(StringComparer.Ordinal);
        faults.EachRow(file, () =>
        {
            var video = known(id);
            var called = name.RequiredText();
            if (!VideoFeatureName.IsValid(called)) throw name.Error($"has '{called}' where a name of {VideoFeatureName.Allowed} was expected");
            var numbers = vector.RequiredVector();
            if (numbers.Length > MaxDim) throw vector.Error($"has {numbers.Length} numbers; {MaxDim} is the most");
            if (!lengths.TryGetValue(called, out var length)) lengths.Add(called, length = numbers.Length);
            if (numbers.Length != length)
            {
                throw vector.Error($"has {numbers.Length} numbers where the vectors named '{called}' before it have {length}: all of a name must be of one length");
            }

            if (!vectors.TryGetValue(video, out var own)) vectors.Add(video, own = new(StringComparer.Ordinal));
            if (!own.TryAdd(called, numbers)) throw name.Error($"has '{called}' a second time for video {video}");
        });
        return vectors;
    }
}
