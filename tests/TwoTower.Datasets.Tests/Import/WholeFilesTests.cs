using System.Text;
using TwoTower.Core;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>A file that arrives in part, or in another encoding, is read whole or refused.</summary>
public sealed class WholeFilesTests : IDisposable
{
    private const string Tags = "video_tags.csv.gz";
    private static readonly string Rows = "video_id,tag_name\n"
        + string.Concat(Enumerable.Range(0, 5000).Select(i => $"{TableFolder.V1},tag number {i * 7919L % 100_003}\n"));

    private readonly TableFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_gzip_file_that_was_cut_off_anywhere_is_refused()
    {
        var whole = TableFolder.Zip(Rows);
        int[] lengths = [5, 12, 100, whole.Length / 2, whole.Length - 9, whole.Length - 8, whole.Length - 4, whole.Length - 1];
        Assert.All(lengths, length =>
        {
            _folder.WriteBytes(Tags, whole[..length]);
            Assert.Contains("ends in the middle: it was cut off", Refusal(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_cut_off_member_behind_whole_ones_is_refused_and_so_is_text_that_was_stored_as_it_is()
    {
        var half = TableFolder.Zip($"{TableFolder.V1},last\n");
        _folder.WriteBytes(Tags, [.. TableFolder.Zip(Rows), .. half[..^3]]);
        Assert.Contains("ends in the middle", Refusal(), StringComparison.Ordinal);

        // Noise doesn't compress: the block holds the bytes as they are, and takes those behind the file for its own.
        var noise = new byte[40_000];
        new Random(1).NextBytes(noise);
        var stored = TableFolder.Zip("video_id,tag_name\n" + Convert.ToBase64String(noise));
        _folder.WriteBytes(Tags, stored[..(stored.Length / 2)]);
        Assert.Contains("ends in the middle", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Members_one_after_another_are_one_file()
    {
        _folder.WriteBytes(Tags, [.. TableFolder.Zip(Rows), .. TableFolder.Zip(""), .. TableFolder.Zip($"{TableFolder.V2},last\n")]);
        var videos = _folder.Read().Videos;
        Assert.Equal(5000, videos[0].Tags.Count);
        Assert.Equal(["last"], videos[1].Tags);
    }

    [Fact]
    public void Members_of_any_length_are_read_whole()
    {
        // Boundaries fall everywhere in the buffers below.
        var rows = Enumerable.Range(0, 600).Select(i => $"{TableFolder.V1},{i}-{new string((char)('a' + i % 26), i % 97)}\n").ToList();
        _folder.WriteBytes(Tags, [.. TableFolder.Zip("video_id,tag_name\n"), .. rows.SelectMany(row => TableFolder.Zip(row))]);
        Assert.Equal(600, _folder.Read().Videos[0].Tags.Count);
    }

    [Fact]
    public void A_gzip_file_with_a_wrong_checksum_or_something_behind_its_end_is_refused()
    {
        var damaged = TableFolder.Zip(Rows);
        damaged[^6] ^= 1;
        _folder.WriteBytes(Tags, damaged);
        Assert.Contains("video_tags.csv.gz is damaged", Refusal(), StringComparison.Ordinal);

        _folder.WriteBytes(Tags, [.. TableFolder.Zip(Rows), .. "and more"u8]);
        Assert.Contains("has bytes behind its end", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_bytes_behind_a_byte_order_mark_are_refused_and_valid_ones_are_read()
    {
        byte[] row = [.. "user_id,display_name,created_at\n"u8, .. Encoding.ASCII.GetBytes(TableFolder.U1), .. ",caf"u8, 0xE9, .. ",\n"u8];
        _folder.WriteBytes("profiles.csv", [0xEF, 0xBB, 0xBF, .. row]);
        Assert.Contains("profiles.csv, line 2: column 'display_name' has bytes that are not UTF-8", Refusal(), StringComparison.Ordinal);

        foreach (var encoding in new Encoding[] { Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32, new UTF8Encoding(true) })
        {
            var text = encoding.GetBytes($"user_id,display_name,created_at\n{TableFolder.U1},café 🎬,\n{TableFolder.U2},,\n");
            _folder.WriteBytes("profiles.csv", [.. encoding.GetPreamble(), .. text]);
            Assert.Equal("café 🎬", _folder.Read().Profiles[0].DisplayName);
        }

        byte[] lone = [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("user_id,created_at\n"), 0x00, 0xD8, .. Encoding.Unicode.GetBytes("x,\n")];
        _folder.WriteBytes("profiles.csv", lone);
        Assert.Contains("is not the text that its first bytes say", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_quote_that_is_never_closed_is_found_before_the_file_is_in_memory()
    {
        using (var file = new StreamWriter(Path.Combine(_folder.Path, "video_tags.csv")))
        {
            file.Write($"video_id,tag_name\n{TableFolder.V1},\"open\n");
            var rows = string.Concat(Enumerable.Repeat($"{TableFolder.V1},a tag\n", 10_000));
            for (var i = 0; i < 160; i++) file.Write(rows);
        }

        Assert.Contains("video_tags.csv, line 2: this row is longer than 32 MiB: a quote is opened and never closed", Refusal(), StringComparison.Ordinal);
    }

    private string Refusal() => Assert.Throws<InputException>(() => _folder.Read()).Message;
}
