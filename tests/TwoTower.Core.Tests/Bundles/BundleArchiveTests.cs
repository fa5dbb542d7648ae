using System.Diagnostics;
using System.Formats.Tar;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Bundles;

/// <summary>A bundle as a tar file: what goes in comes out, and nothing else comes in.</summary>
public sealed class BundleArchiveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Bundle => Path.Combine(_folder.Path, "bundle");

    private string Unpacked => Directory.CreateDirectory(Path.Combine(_folder.Path, "unpacked")).FullName;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_bundle_comes_out_as_it_went_in_and_the_same_bundle_is_the_same_bytes()
    {
        var manifest = await WriteAsync();
        var archive = await ArchiveAsync();
        await BundleArchive.ReadAsync(new Unseekable(archive), Unpacked);
        var bundle = await BundleReader.ReadAsync(Unpacked);
        Assert.Equal(manifest.Files, bundle.Manifest.Files);
        Assert.Equal(manifest.ModelVersion, bundle.ModelVersion);
        Assert.Equal(archive, await ArchiveAsync());
    }

    [Fact]
    public async Task The_systems_own_tar_reads_it_and_makes_one_that_is_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "GNU or BSD tar");
        await WriteAsync();
        var path = Path.Combine(_folder.Path, "bundle.tar");
        await File.WriteAllBytesAsync(path, await ArchiveAsync());
        await TarAsync("-xf", path, "-C", Unpacked);
        await BundleReader.ReadAsync(Unpacked);

        await TarAsync("-cf", path, "-C", Bundle, ".");
        var again = Directory.CreateDirectory(Path.Combine(_folder.Path, "again")).FullName;
        await using var stream = File.OpenRead(path);
        await BundleArchive.ReadAsync(stream, again);
        await BundleReader.ReadAsync(again);
    }

    [Theory]
    [InlineData("../outside.json", TarEntryType.RegularFile)]
    [InlineData("/outside.json", TarEntryType.RegularFile)]
    [InlineData("folder/inside.json", TarEntryType.RegularFile)]
    [InlineData("folder", TarEntryType.Directory)]
    [InlineData("user_tower.onnx", TarEntryType.SymbolicLink)]
    [InlineData("user_tower.onnx", TarEntryType.HardLink)]
    [InlineData("device", TarEntryType.Fifo)]
    public async Task Nothing_but_plain_files_comes_in(string name, TarEntryType type)
    {
        var error = await RefusedAsync(writer =>
        {
            var entry = new PaxTarEntry(type, name);
            if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink) entry.LinkName = "/etc/passwd";
            return writer.WriteEntryAsync(entry);
        });
        Assert.StartsWith($"The archive's entry '{name}' ({type}) isn't a plain file", error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Unpacked));
    }

    [Fact]
    public async Task A_name_that_comes_twice_too_many_files_and_no_file_at_all_are_refused()
    {
        Assert.Equal("The archive has metrics.json twice.", await RefusedAsync(async writer =>
        {
            for (var i = 0; i < 2; i++) await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "metrics.json"));
        }));
        foreach (var file in Directory.EnumerateFiles(Unpacked)) File.Delete(file);
        Assert.StartsWith("The archive has more than 64 files", await RefusedAsync(async writer =>
        {
            for (var i = 0; i < 65; i++) await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, $"{i}.json"));
        }), StringComparison.Ordinal);
        Assert.StartsWith("The archive has no files", await RefusedAsync(_ => Task.CompletedTask), StringComparison.Ordinal);
        Assert.StartsWith("The archive has no files", (await Assert.ThrowsAsync<InputException>(() => BundleArchive.ReadAsync(Stream.Null, Unpacked))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_cut_off_or_no_tar_file_is_refused_wherever_it_ends()
    {
        await WriteAsync();
        var archive = await ArchiveAsync();
        foreach (var length in new[] { 100, 700, archive.Length / 2, archive.Length - 3000 })
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, $"cut-{length}")).FullName;
            await Assert.ThrowsAsync<InputException>(async () =>
            {
                await BundleArchive.ReadAsync(new Unseekable(archive[..length]), folder);
                await BundleReader.ReadAsync(folder); // cut between two files it is whole as an archive, not as a bundle
            });
        }

        var junk = new byte[5000];
        new Random(1).NextBytes(junk);
        var error = await Assert.ThrowsAsync<InputException>(() => BundleArchive.ReadAsync(new Unseekable(junk), Unpacked));
        Assert.StartsWith("The archive isn't a whole tar file", error.Message, StringComparison.Ordinal);
    }

    private Task<Manifest> WriteAsync() =>
        TestBundles.WriteOursAsync(Bundle, TestCheckpoints.Random(), TestBundles.ForeignVideos, Golden.AsOf);

    private async Task<byte[]> ArchiveAsync()
    {
        using var stream = new MemoryStream();
        await BundleArchive.WriteAsync(Bundle, stream);
        return stream.ToArray();
    }

    private async Task<string> RefusedAsync(Func<TarWriter, Task> write)
    {
        using var stream = new MemoryStream();
        await using (var writer = new TarWriter(stream, leaveOpen: true)) await write(writer);
        stream.Position = 0;
        return (await Assert.ThrowsAsync<InputException>(() => BundleArchive.ReadAsync(stream, Unpacked))).Message;
    }

    private static async Task TarAsync(params string[] args)
    {
        using var tar = Process.Start("tar", args);
        await tar.WaitForExitAsync();
        Assert.Equal(0, tar.ExitCode);
    }

    // As a request's body is.
    private sealed class Unseekable(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Seek(long offset, SeekOrigin loc) => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override long Length => throw new NotSupportedException();
    }
}
