using System.Buffers.Binary;
using System.Text.Json;

namespace TwoTower.Core.Formats;

/// <summary>
/// The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes. Python's <c>safetensors</c> reads what
/// this writes; what this reads is checked to the last byte.
/// </summary>
/// <param name="Metadata">The strings of <c>__metadata__</c>.</param>
/// <param name="Tensors">The tensors in file order.</param>
public sealed record SafetensorsFile(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<SafetensorsTensor> Tensors)
{
    private const string MetadataKey = "__metadata__";

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public SafetensorsTensor this[string name] =>
        Tensors.FirstOrDefault(t => t.Name == name) ?? throw new InputException($"tensor {name} is missing.");

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="InputException">It is missing, truncated or not what the format allows; the message names file and tensor.</exception>
    public static SafetensorsFile Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} could not be read: {e.Message}", e);
        }

        try
        {
            return Parse(bytes);
        }
        catch (InputException e)
        {
            throw new InputException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a file's bytes. The tensors refer to <paramref name="file"/>, which must not change afterwards.</summary>
    public static SafetensorsFile Parse(ReadOnlyMemory<byte> file)
    {
        if (file.Length < 8)
        {
            throw new InputException("not a safetensors file: shorter than its eight bytes of header length.");
        }

        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file.Span);
        if (headerLength > (ulong)(file.Length - 8))
        {
            throw new InputException($"truncated: the header is said to be {headerLength} bytes, {file.Length - 8} are left.");
        }

        var data = file[(8 + (int)headerLength)..];
        var metadata = new Dictionary<string, string>();
        var placed = new List<(SafetensorsTensor Tensor, long Begin, long End)>();
        try
        {
            using var header =
                JsonDocument.Parse(file.Slice(8, (int)headerLength), new JsonDocumentOptions { AllowDuplicateProperties = false });
            foreach (var entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name == MetadataKey)
                {
                    foreach (var pair in entry.Value.EnumerateObject()) metadata.Add(pair.Name, pair.Value.GetString()!);
                    continue;
                }

                placed.Add(ReadEntry(entry.Name, entry.Value, data));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InputException($"the header is not what safetensors prescribes: {e.Message}", e);
        }

        placed.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        CheckLayout(placed, data.Length);
        return new(metadata, [.. placed.Select(p => p.Tensor)]);
    }

    /// <summary>Writes the file, tensors in the order given; the same content gives the same bytes.</summary>
    public void Write(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            foreach (var (key, value) in Metadata) json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach (var tensor in Tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType);
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Data.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces up to a multiple of eight keep the tensors aligned for readers that map the file.
        while (header.Length % 8 != 0) header.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        header.WriteTo(stream);
        foreach (var tensor in Tensors) stream.Write(tensor.Data.Span);
    }

    private static (SafetensorsTensor, long Begin, long End) ReadEntry(string name, JsonElement entry, ReadOnlyMemory<byte> data)
    {
        var dtype = entry.GetProperty("dtype").GetString()!;
        var size = SafetensorsTensor.ElementSize(dtype) ?? throw new InputException($"tensor {name} has the unknown type {dtype}.");
        var shape = entry.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64()).ToArray();
        var offsets = entry.GetProperty("data_offsets").EnumerateArray().Select(e => e.GetInt64()).ToArray();
        if (offsets is not [var begin, var end] || begin < 0 || end < begin || shape.Any(s => s < 0))
        {
            throw new InputException($"tensor {name} has an impossible shape or place.");
        }

        if (end > data.Length)
        {
            throw new InputException($"truncated: tensor {name} ends at byte {end}, the file holds {data.Length} bytes of tensors.");
        }

        Int128 expected = shape.Aggregate((Int128)size, (product, s) => product * s);
        if (expected != end - begin)
        {
            throw new InputException($"tensor {name} of type {dtype} and shape [{string.Join(", ", shape)}] needs {expected} bytes, it has {end - begin}.");
        }

        return (new(name, dtype, shape, data[(int)begin..(int)end]), begin, end);
    }

    private static void CheckLayout(List<(SafetensorsTensor Tensor, long Begin, long End)> placed, long dataLength)
    {
        long position = 0;
        foreach (var (tensor, begin, end) in placed)
        {
            if (begin < position) throw new InputException($"tensor {tensor.Name} overlaps the one before it.");
            if (begin > position) throw new InputException($"there are {begin - position} stray bytes before tensor {tensor.Name}.");
            position = end;
        }

        if (position != dataLength) throw new InputException($"there are {dataLength - position} stray bytes after the last tensor.");
    }
}
