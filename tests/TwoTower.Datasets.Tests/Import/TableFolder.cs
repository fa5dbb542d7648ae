using System.IO.Compression;
using System.Text;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>A folder of small tables: two viewers, two videos, a decision of each; a test writes over what it is about.</summary>
internal sealed class TableFolder : IDisposable
{
    public const string U1 = "00000000-0000-0000-0000-0000000000a1";
    public const string U2 = "00000000-0000-0000-0000-0000000000a2";
    public const string V1 = "00000000-0000-0000-0000-0000000000f1";
    public const string V2 = "00000000-0000-0000-0000-0000000000f2";

    public TableFolder()
    {
        Write("profiles", $"user_id,created_at\n{U1},2025-01-01T00:00:00Z\n{U2},2025-01-01T00:00:00Z\n");
        Write("videos", $"id,title\n{V1},one\n{V2},two\n");
        Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,2025-02-01T00:00:00Z\n{U2},{V2},nope,2025-02-01T00:00:00Z\n");
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("twotower-csv-").FullName;

    public List<string> Said { get; } = [];

    public TableSet Read(ImportOptions? options = null)
    {
        Said.Clear();
        return CsvTableReader.Read(Path, Said.Add, options);
    }

    public void Write(string table, string text) => WriteBytes(table + ".csv", Encoding.UTF8.GetBytes(text));

    public void WriteBytes(string file, byte[] bytes) => File.WriteAllBytes(System.IO.Path.Combine(Path, file), bytes);

    public static byte[] Zip(string text)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Fastest)) zip.Write(Encoding.UTF8.GetBytes(text));
        return memory.ToArray();
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
