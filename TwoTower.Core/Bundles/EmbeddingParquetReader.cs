using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Data;
using Parquet.Schema;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Bundles;

/// <summary>
/// Reads <c>video_embeddings.parquet</c> as ours, pyarrow's or another program's: video_id string, embedding list of float or double,
/// whatever its elements are called, any compression. Memory is one row group of the file.
/// </summary>
public static class EmbeddingParquetReader
{
    /// <summary>Streams the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="dim">Length that every vector must have.</param>
    /// <param name="ct">Cancels between row groups.</param>
    /// <exception cref="InputException">Not such a file; a row has no uuid, another length, or a number that isn't finite. Names the row.</exception>
    public static async IAsyncEnumerable<EmbeddingBatch> ReadAsync(
        string path, int dim, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var name = Path.GetFileName(path);
        var reader = await OpenAsync(path, name, ct);
        await using var _ = reader;
        var (videoId, element) = Columns(reader.Schema, name);
        long firstRow = 0;
        for (var g = 0; g < reader.RowGroupCount; g++)
        {
            using var group = reader.OpenRowGroupReader(g);
            var ids = await ReadIdsAsync(group, videoId, name, firstRow, ct);
            var vectors = await ExplainAsync(name, () => element.ClrType == typeof(double)
                ? ReadVectorsAsync<double>(group, element, ids, dim, name, ct)
                : ReadVectorsAsync<float>(group, element, ids, dim, name, ct));
            firstRow += ids.Length;
            if (ids.Length > 0) yield return new EmbeddingBatch(ids, vectors, dim);
        }
    }

    /// <summary>Checks columns, types and the length of the vectors from the file's footer alone. Returns the number of rows.</summary>
    /// <exception cref="InputException">Not such a file, or not of this length.</exception>
    public static async Task<long> CheckAsync(string path, int dim, CancellationToken ct = default)
    {
        var name = Path.GetFileName(path);
        var reader = await OpenAsync(path, name, ct);
        await using var _ = reader;
        var (_, element) = Columns(reader.Schema, name);
        long rows = 0, numbers = 0;
        for (var g = 0; g < reader.RowGroupCount; g++)
        {
            using var group = reader.OpenRowGroupReader(g);
            rows += group.RowCount;
            numbers += group.GetMetadata(element)?.MetaData?.NumValues ?? 0;
        }

        return numbers == rows * dim
            ? rows
            : throw new InputException($"{name} has {numbers} numbers in {rows} vectors; the towers give {dim} a vector, so {rows * dim} were expected.");
    }

    private static async Task<ParquetReader> OpenAsync(string path, string name, CancellationToken ct)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            return await ExplainAsync(name, () => ParquetReader.CreateAsync(stream, leaveStreamOpen: false, cancellationToken: ct));
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static (DataField VideoId, DataField Element) Columns(ParquetSchema schema, string name)
    {
        var videoId = schema.DataFields.Where(field => field.Path.FirstPart == "video_id").ToList();
        var embedding = schema.DataFields.Where(field => field.Path.FirstPart == "embedding").ToList();
        var found = string.Join(", ", schema.Fields.Select(field => field.Name));
        if (videoId is not [{ MaxRepetitionLevel: 0 } id] || (id.ClrType != typeof(ReadOnlyMemory<char>) && id.ClrType != typeof(string)))
        {
            throw new InputException($"{name} has no column video_id of strings; its columns are {found}.");
        }

        if (embedding is not [{ MaxRepetitionLevel: 1 } element] || (element.ClrType != typeof(float) && element.ClrType != typeof(double)))
        {
            throw new InputException($"{name} has no column embedding of lists of float or double; its columns are {found}.");
        }

        return (id, element);
    }

    private static async Task<Guid[]> ReadIdsAsync(
        ParquetRowGroupReader group, DataField field, string name, long firstRow, CancellationToken ct)
    {
        var texts = new string?[group.RowCount];
        await ExplainAsync(name, async () =>
        {
            await group.ReadAsync(field, texts.AsMemory()!, null, ct);
            return true;
        });
        var ids = new Guid[texts.Length];
        for (var row = 0; row < ids.Length; row++)
        {
            if (!Uuid.TryParse(texts[row], out ids[row]))
            {
                throw new InputException($"{name}, row {firstRow + row + 1}: video_id '{texts[row]}' isn't a uuid.");
            }
        }

        return ids;
    }

    private static async Task<float[]> ReadVectorsAsync<T>(
        ParquetRowGroupReader group, DataField field, Guid[] ids, int dim, string name, CancellationToken ct)
        where T : unmanaged
    {
        using var raw = (RawColumnData<T>)await group.ReadRawColumnDataBaseAsync(field, ct);
        var values = raw.Values;
        var definition = raw.DefinitionLevels;
        var repetition = raw.RepetitionLevels;
        var vectors = new float[(long)ids.Length * dim];
        int row = -1, column = dim, next = 0;
        for (var i = 0; i < repetition.Length; i++)
        {
            if (repetition[i] == 0)
            {
                CheckLength();
                (row, column) = (row + 1, 0);
                if (row == ids.Length) throw new InputException($"{name} has more vectors than video ids.");
            }

            // Below the full level a list or a number is missing, and no value is stored for it.
            if (!definition.IsEmpty && definition[i] < field.MaxDefinitionLevel)
            {
                if (repetition[i] == 0 && definition[i] < field.MaxDefinitionLevel - 1) continue;
                throw new InputException($"{name}: number {column + 1} of video {ids[row]} is missing.");
            }

            var value = typeof(T) == typeof(double) ? (float)(double)(object)values[next] : (float)(object)values[next];
            next++;
            if (!float.IsFinite(value)) throw new InputException($"{name}: number {column + 1} of video {ids[row]} is {value}.");
            if (column < dim) vectors[row * dim + column] = value;
            column++;
        }

        CheckLength();
        if (row + 1 != ids.Length) throw new InputException($"{name} has {ids.Length} video ids but {row + 1} vectors.");
        return vectors;

        void CheckLength()
        {
            if (column != dim) throw new InputException($"{name}: the vector of video {ids[row]} has {column} numbers; {dim} were expected.");
        }
    }

    private static async Task<T> ExplainAsync<T>(string name, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (
            e is IOException or ParquetException or InvalidDataException or NotSupportedException or InvalidOperationException
                or IndexOutOfRangeException or ArgumentException)
        {
            throw new InputException($"{name} isn't a parquet file that can be read: {e.Message}", e);
        }
    }
}
