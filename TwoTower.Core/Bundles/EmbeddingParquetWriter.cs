using Parquet;
using Parquet.Schema;

namespace TwoTower.Core.Bundles;

/// <summary>
/// Writes <c>video_embeddings.parquet</c>: video_id string, embedding list&lt;float&gt;, Snappy. Memory is one row group, however many
/// videos there are.
/// </summary>
internal sealed class EmbeddingParquetWriter : IAsyncDisposable
{
    /// <summary>
    /// Rows a row group: 1 MB at 256 numbers. A group is in memory several times over, as values, levels and pages, in buffers that the
    /// library's pools keep for a process's life.
    /// </summary>
    public const int RowGroupRows = 1024;

    private static readonly DataField<string> VideoId = new("video_id", false);
    private static readonly DataField<float> Element = new("element", false);
    private static readonly ParquetSchema Schema = new(VideoId, new ListField("embedding", Element));

    private readonly ParquetWriter _writer;
    private readonly int _dim;
    private readonly string[] _ids = new string[RowGroupRows];
    private readonly float[] _values;
    private readonly int[] _definition, _repetition;
    private int _rows;

    private EmbeddingParquetWriter(ParquetWriter writer, int dim)
    {
        (_writer, _dim) = (writer, dim);
        _values = new float[RowGroupRows * dim];
        _definition = new int[_values.Length];
        _repetition = new int[_values.Length];
        // No list is null or empty and no number is missing; a list starts where the repetition level is 0.
        Array.Fill(_definition, Element.MaxDefinitionLevel);
        for (var i = 0; i < _repetition.Length; i++) _repetition[i] = i % dim == 0 ? 0 : Element.MaxRepetitionLevel;
    }

    /// <summary>Rows written.</summary>
    public long Count { get; private set; }

    /// <summary>Starts a file. <paramref name="stream"/> stays open.</summary>
    public static async Task<EmbeddingParquetWriter> CreateAsync(Stream stream, int dim, CancellationToken ct = default)
    {
        // Zstd at its default level takes a hundred times as long for numbers that don't compress; a dictionary of them is no use either.
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Snappy, DictionaryEncodingThreshold = 0 };
        return new(await ParquetWriter.CreateAsync(Schema, stream, options, cancellationToken: ct), dim);
    }

    /// <summary>Adds a video. <paramref name="embedding"/>: [dim].</summary>
    public async ValueTask AddAsync(Guid videoId, ReadOnlyMemory<float> embedding, CancellationToken ct = default)
    {
        if (embedding.Length != _dim) throw new ArgumentException($"{_dim} numbers were expected, {embedding.Length} given.", nameof(embedding));
        _ids[_rows] = videoId.ToString();
        embedding.CopyTo(_values.AsMemory(_rows * _dim));
        Count++;
        if (++_rows == RowGroupRows) await FlushAsync(ct);
    }

    /// <summary>Ends the file: its last rows and its footer.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_rows > 0 || Count == 0) await FlushAsync(CancellationToken.None);
        await _writer.DisposeAsync();
    }

    private async Task FlushAsync(CancellationToken ct)
    {
        using var group = _writer.CreateRowGroup();
        var numbers = _rows * _dim;
        await group.WriteAsync(VideoId, new ArraySegment<string>(_ids, 0, _rows));
        await group.WriteAllPartsAsync<float>(
            Element, _values.AsMemory(0, numbers), _definition.AsMemory(0, numbers), _repetition.AsMemory(0, numbers), ct);
        _rows = 0;
    }
}
