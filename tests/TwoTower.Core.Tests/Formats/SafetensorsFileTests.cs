using System.Buffers.Binary;
using System.Text;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Formats;

public class SafetensorsFileTests
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "golden", "weights_start.safetensors");

    [Fact]
    public void A_file_that_Python_wrote_is_read_and_written_back_with_the_same_tensors()
    {
        var file = SafetensorsFile.Read(Golden);

        Assert.Equal(12, file.Tensors.Count);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([512L, 41L], file["user_tower.l1.weight"].Shape);
        var (user, item) = CheckpointStore.ReadTowers(file);
        Assert.Equal((41, 35, 256), (user.InputDim, item.InputDim, user.EmbeddingDim));

        // Python ends its header with spaces up to a multiple of eight, as we do, but leaves blanks after commas: compare the tensors'
        // bytes.
        var again = Write(file);
        var tensorBytes = file.Tensors.Sum(t => t.Data.Length);
        Assert.Equal(File.ReadAllBytes(Golden)[^tensorBytes..], again[^tensorBytes..]);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(again) % 8);
        Assert.Equal(file.Tensors.Select(t => t.Name), SafetensorsFile.Parse(again).Tensors.Select(t => t.Name));
    }

    [Fact]
    public void A_truncated_file_is_refused_with_the_tensor_that_is_cut()
    {
        var bytes = File.ReadAllBytes(Golden);
        Assert.Contains("user_tower.l3.weight", Refusal(bytes[..(bytes.Length / 2)]));
        Assert.Contains("truncated", Refusal(bytes[..100]));
        Assert.Contains("not a safetensors file", Refusal(bytes[..5]));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "tensor b overlaps")]
    [InlineData("""{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", 8, "tensor a has the unknown type F31")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "tensor a of type F32 and shape [3] needs 12 bytes, it has 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,8]}}""", 8, "tensor a")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "4 stray bytes before tensor a")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "4 stray bytes after the last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}""", 8, "tensor a has an impossible shape or place")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 8, "the header is not what safetensors prescribes")]
    [InlineData("""{"a":7}""", 8, "the header is not what safetensors prescribes")]
    [InlineData("not json", 8, "the header is not what safetensors prescribes")]
    public void What_the_format_does_not_allow_is_refused_by_name(string header, int dataLength, string message) =>
        Assert.Contains(message, Refusal(FileOf(header, dataLength)));

    [Fact]
    public void A_missing_file_is_an_input_error_with_its_path()
    {
        var e = Assert.Throws<InputException>(() => SafetensorsFile.Read("no-such.safetensors"));
        Assert.Contains("no-such.safetensors", e.Message);
    }

    [Fact]
    public void A_write_that_the_disk_refuses_half_way_leaves_the_old_file_and_nothing_else()
    {
        var folder = Directory.CreateTempSubdirectory("twotower-");
        try
        {
            var path = Path.Combine(folder.FullName, "latest.safetensors");
            AtomicFile.Write(path, s => s.Write("old"u8));

            var e = Assert.Throws<InputException>(() => AtomicFile.Write(path, s =>
            {
                s.Write(new byte[1 << 20]);
                throw new IOException("No space left on device");
            }));

            Assert.Contains("No space left on device", e.Message);
            Assert.Contains("is kept", e.Message);
            Assert.Equal("old", File.ReadAllText(path));
            Assert.Single(folder.GetFiles());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Refusal(byte[] bytes) => Assert.Throws<InputException>(() => SafetensorsFile.Parse(bytes)).Message;

    private static byte[] FileOf(string header, int dataLength)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + text.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    private static byte[] Write(SafetensorsFile file)
    {
        using var stream = new MemoryStream();
        file.Write(stream);
        return stream.ToArray();
    }
}
