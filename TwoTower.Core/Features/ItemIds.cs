using System.Runtime.InteropServices;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Features;

/// <summary>
/// What a model learned of single videos beside their content: <c>item_ids.safetensors</c> of a release, in half precision. Immutable and
/// thread-safe.
/// </summary>
public sealed class ItemIds
{
    private const string IdsName = "video_ids", VectorsName = "id_embeddings";
    private const int IdBytes = 16;

    private readonly Dictionary<Guid, int> _rows = [];
    private readonly Half[] _vectors;

    /// <summary>Creates the table.</summary>
    /// <param name="videoIds">[n], each once.</param>
    /// <param name="vectors">Row-major, [n × dim].</param>
    /// <param name="dim">Length of a vector.</param>
    public ItemIds(IReadOnlyList<Guid> videoIds, Half[] vectors, int dim)
    {
        ArgumentNullException.ThrowIfNull(videoIds);
        ArgumentNullException.ThrowIfNull(vectors);
        if (vectors.Length != videoIds.Count * dim) throw new ArgumentException($"{videoIds.Count} × {dim} numbers were expected.", nameof(vectors));
        (VideoIds, _vectors, Dim) = (videoIds, vectors, dim);
        for (var row = 0; row < videoIds.Count; row++) _rows.Add(videoIds[row], row);
    }

    /// <summary>The videos, in the order of the file.</summary>
    public IReadOnlyList<Guid> VideoIds { get; }

    /// <summary>Length of a vector.</summary>
    public int Dim { get; }

    /// <summary>Writes a video's vector, zeros where the model knows none. <paramref name="destination"/>: [Dim].</summary>
    public void Read(Guid videoId, Span<float> destination)
    {
        if (!_rows.TryGetValue(videoId, out var row))
        {
            destination[..Dim].Clear();
            return;
        }

        System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(_vectors.AsSpan(row * Dim, Dim), destination);
    }

    /// <summary>The file.</summary>
    public SafetensorsFile ToFile() => new(new Dictionary<string, string> { ["format"] = "pt" }, Tensors(""));

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">It isn't such a file.</exception>
    public static ItemIds Parse(SafetensorsFile file) => Parse(file, "");

    internal IReadOnlyList<SafetensorsTensor> Tensors(string prefix)
    {
        var ids = new byte[VideoIds.Count * IdBytes];
        for (var row = 0; row < VideoIds.Count; row++) VideoIds[row].TryWriteBytes(ids.AsSpan(row * IdBytes), bigEndian: true, out _);
        return
        [
            new(prefix + IdsName, "U8", [VideoIds.Count, IdBytes], ids),
            new(prefix + VectorsName, "F16", [VideoIds.Count, Dim], MemoryMarshal.AsBytes(_vectors.AsSpan()).ToArray()),
        ];
    }

    internal static ItemIds Parse(SafetensorsFile file, string prefix)
    {
        var (ids, vectors) = (file[prefix + IdsName], file[prefix + VectorsName]);
        if (ids is not { DType: "U8", Shape: [var n, IdBytes] } || vectors is not { DType: "F16", Shape: [var rows, var dim] } || n != rows)
        {
            throw new InputException($"tensors {ids.Name} and {vectors.Name} must be U8 [n, {IdBytes}] and F16 [n, dim].");
        }

        var videos = new Guid[n];
        for (var row = 0; row < n; row++) videos[row] = new(ids.Data.Span.Slice(row * IdBytes, IdBytes), bigEndian: true);
        if (videos.Distinct().Count() != n) throw new InputException($"tensor {ids.Name} has a video twice.");
        return new(videos, MemoryMarshal.Cast<byte, Half>(vectors.Data.Span).ToArray(), (int)dim);
    }
}
