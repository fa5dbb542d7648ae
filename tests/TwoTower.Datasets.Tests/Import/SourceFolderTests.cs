using System.IO.Compression;
using System.Text;
using TwoTower.Core;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>What a folder's or an archive's fingerprint is made of: all that a reader takes, and nothing else.</summary>
public sealed class SourceFolderTests : IDisposable
{
    private readonly TableFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("videos.parquet")]
    [InlineData("videos.jsonl.gz")]
    [InlineData("video_tags.tsv")]
    [InlineData("ratings.dat")]
    [InlineData("u.item")]
    [InlineData("ml.inter")]
    [InlineData("ML.USER")]
    public void A_file_that_is_added_edited_or_renamed_is_another_source(string file)
    {
        var before = SourceFolder.Fingerprint(_folder.Path);
        _folder.WriteBytes(file, "one"u8.ToArray());
        var added = SourceFolder.Fingerprint(_folder.Path);
        _folder.WriteBytes(file, "two"u8.ToArray());
        var edited = SourceFolder.Fingerprint(_folder.Path);
        File.Move(System.IO.Path.Combine(_folder.Path, file), System.IO.Path.Combine(_folder.Path, "x" + file));
        var renamed = file.StartsWith("u.", StringComparison.Ordinal) ? null : SourceFolder.Fingerprint(_folder.Path);

        Assert.Equal(4, new HashSet<string?> { before, added, edited, renamed }.Count);
    }

    [Fact]
    public void Notes_beside_the_tables_are_not_data()
    {
        var before = SourceFolder.Fingerprint(_folder.Path);
        _folder.WriteBytes("README.txt", Encoding.UTF8.GetBytes("hello"));
        Assert.Equal(before, SourceFolder.Fingerprint(_folder.Path));
    }

    [Fact]
    public void An_archive_has_one_too_and_what_is_neither_is_refused()
    {
        var zip = System.IO.Path.Combine(Directory.CreateTempSubdirectory("twotower-zips-").FullName, "a.zip");
        try
        {
            ZipFile.CreateFromDirectory(_folder.Path, zip);
            var before = SourceFolder.Fingerprint(zip);
            File.Delete(zip);
            _folder.Write("videos", $"id,title\n{TableFolder.V1},another\n");
            ZipFile.CreateFromDirectory(_folder.Path, zip);
            Assert.NotEqual(before, SourceFolder.Fingerprint(zip));
            Assert.Throws<InputException>(() => SourceFolder.Fingerprint(System.IO.Path.Combine(_folder.Path, "videos.csv")));
        }
        finally
        {
            Directory.Delete(System.IO.Path.GetDirectoryName(zip)!, recursive: true);
        }
    }
}
