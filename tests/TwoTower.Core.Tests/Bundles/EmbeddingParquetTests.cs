using Parquet;
using Parquet.Schema;
using TwoTower.Core.Bundles;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Bundles;

public sealed class EmbeddingParquetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("double_item_zstd")]
    [InlineData("float_element_gzip")]
    [InlineData("float_item_snappy")]
    [InlineData("float_list_plain")]
    public async Task Files_of_another_program_are_read_whatever_their_layout(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "foreign", $"{name}.parquet");
        Assert.Equal(5, await EmbeddingParquetReader.CheckAsync(path, 16));
        var rows = await ReadAsync(path, 16);
        Assert.Equal(5, rows.Count);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Guid.Parse($"00000000-0000-4000-8000-00000000000{i + 1}"), rows[i].Id);
            var expected = Enumerable.Range(0, 16).Select(k => Math.Sin(i * 16 + k + 1)).ToArray();
            var length = Math.Sqrt(expected.Sum(x => x * x));
            for (var k = 0; k < 16; k++) Close.Equal(expected[k] / length, rows[i].Vector[k], $"{name} row {i} [{k}]");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(EmbeddingParquetWriter.RowGroupRows)]
    [InlineData(EmbeddingParquetWriter.RowGroupRows + 3)]
    public async Task What_is_written_is_read_back_exactly(int rows)
    {
        var random = new Random(rows);
        var expected = Enumerable.Range(0, rows)
            .Select(_ => (Id: Guid.NewGuid(), Vector: Enumerable.Range(0, 7).Select(_ => random.NextSingle()).ToArray())).ToList();
        await using (var stream = File.Create(PathOf("v.parquet")))
        {
            await using var writer = await EmbeddingParquetWriter.CreateAsync(stream, 7);
            foreach (var (id, vector) in expected) await writer.AddAsync(id, vector);
        }

        Assert.Equal(rows, await EmbeddingParquetReader.CheckAsync(PathOf("v.parquet"), 7));
        Assert.Equal(expected, await ReadAsync(PathOf("v.parquet"), 7), (a, b) => a.Item1 == b.Item1 && a.Item2.SequenceEqual(b.Item2));
    }

    [Fact]
    public async Task A_vector_that_is_too_short_is_refused_with_its_video()
    {
        await WriteAsync("short.parquet", ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"], [1, 2, 3, 4, 5], [0, 1, 1, 0, 1]);
        var error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(PathOf("short.parquet"), 3));
        Assert.Equal("short.parquet: the vector of video 00000000-0000-4000-8000-000000000002 has 2 numbers; 3 were expected.", error.Message);
        error = await Assert.ThrowsAsync<InputException>(() => EmbeddingParquetReader.CheckAsync(PathOf("short.parquet"), 3));
        Assert.Equal("short.parquet has 5 numbers in 2 vectors; the towers give 3 a vector, so 6 were expected.", error.Message);
    }

    [Fact]
    public async Task A_number_that_is_not_finite_is_refused_with_its_video()
    {
        await WriteAsync("nan.parquet", ["00000000-0000-4000-8000-000000000001"], [1, float.NaN], [0, 1]);
        var error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(PathOf("nan.parquet"), 2));
        Assert.Equal("nan.parquet: number 2 of video 00000000-0000-4000-8000-000000000001 is NaN.", error.Message);
    }

    [Fact]
    public async Task A_video_id_that_is_no_uuid_is_refused_with_its_row()
    {
        await WriteAsync("id.parquet", ["00000000-0000-4000-8000-000000000001", "ml:1"], [1, 0, 0, 1], [0, 1, 0, 1]);
        var error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(PathOf("id.parquet"), 2));
        Assert.Equal("id.parquet, row 2: video_id 'ml:1' isn't a uuid.", error.Message);
    }

    [Fact]
    public async Task A_file_that_is_no_parquet_and_one_without_the_columns_are_refused()
    {
        await File.WriteAllTextAsync(PathOf("text.parquet"), "video_id,embedding\n");
        var error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(PathOf("text.parquet"), 2));
        Assert.StartsWith("text.parquet isn't a parquet file that can be read", error.Message, StringComparison.Ordinal);

        var id = new DataField<string>("id");
        await using (var stream = File.Create(PathOf("other.parquet")))
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id), stream))
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(id, ["x"]);
        }

        error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(PathOf("other.parquet"), 2));
        Assert.Equal("other.parquet has no column video_id of strings; its columns are id.", error.Message);
    }

    private async Task WriteAsync(string name, string[] ids, float[] numbers, int[] repetition)
    {
        var id = new DataField<string>("video_id", false);
        var element = new DataField<float>("item", false);
        await using var stream = File.Create(PathOf(name));
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, new ListField("embedding", element)), stream);
        using var group = writer.CreateRowGroup();
        await group.WriteAsync(id, ids);
        await group.WriteAllPartsAsync<float>(
            element, numbers, Enumerable.Repeat(element.MaxDefinitionLevel, numbers.Length).ToArray(), repetition, default);
    }

    private static async Task<List<(Guid Id, float[] Vector)>> ReadAsync(string path, int dim)
    {
        var rows = new List<(Guid, float[])>();
        await foreach (var batch in EmbeddingParquetReader.ReadAsync(path, dim))
        {
            for (var i = 0; i < batch.VideoIds.Count; i++) rows.Add((batch.VideoIds[i], batch[i].ToArray()));
        }

        return rows;
    }
}
