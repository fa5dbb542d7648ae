using System.Formats.Tar;
using System.Globalization;
using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Bundles;

/// <summary>A bundle as one stream: a tar file of its plain files, which <c>tar -cf bundle.tar -C DIR .</c> makes as well.</summary>
public static class BundleArchive
{
    /// <summary>Its media type.</summary>
    public const string MediaType = "application/x-tar";

    private const int MaxFiles = 64;

    // All but the vectors are read into memory as a whole.
    private const long MaxFileBytes = 512L << 20;

    /// <summary>Writes a bundle's files, the manifest first; the same folder gives the same bytes.</summary>
    /// <param name="directory">The bundle's folder.</param>
    /// <param name="stream">Where the archive goes; stays open. Need not be seekable.</param>
    /// <param name="ct">Cancels; what is written by then is no whole archive.</param>
    public static async Task WriteAsync(string directory, Stream stream, CancellationToken ct = default)
    {
        var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true);
        await using (writer)
        {
            var names = ManifestBuilder.Read(directory).Files.Select(file => file.Path).Prepend(ArtifactNames.Manifest);
            foreach (var name in names)
            {
                var content =
                    new FileStream(Path.Combine(directory, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
                await using var _ = content;
                var entry = new PaxTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = content,
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                };
                await writer.WriteEntryAsync(entry, ct);
            }
        }
    }

    /// <summary>Unpacks an archive into a folder; what is in it isn't believed yet (<see cref="BundleReader"/>).</summary>
    /// <param name="stream">The archive. Need not be seekable.</param>
    /// <param name="directory">An empty folder.</param>
    /// <param name="ct">Cancels; some files may be there.</param>
    /// <exception cref="InputException">It isn't a tar file of plain files, by the entry that isn't one.</exception>
    public static async Task ReadAsync(Stream stream, string directory, CancellationToken ct = default)
    {
        var files = 0;
        try
        {
            var reader = new TarReader(stream, leaveOpen: true);
            await using var _ = reader;
            while (await reader.GetNextEntryAsync(copyData: false, ct) is { } entry)
            {
                var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (entry.EntryType == TarEntryType.GlobalExtendedAttributes || (entry.EntryType == TarEntryType.Directory && name is "" or ".")) continue;
                Check(entry, name);
                if (++files > MaxFiles) throw new InputException($"The archive has more than {MaxFiles} files: a bundle has a dozen.");
                var path = Path.Combine(directory, name);
                if (File.Exists(path)) throw new InputException($"The archive has {name} twice.");
                var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);
                await using var __ = file;
                if (entry.DataStream is { } content) await content.CopyToAsync(file, ct);
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or NotSupportedException)
        {
            throw new InputException($"The archive isn't a whole tar file: {e.Message.TrimEnd('.')}. Make it with 'tar -cf bundle.tar -C DIR .'.", e);
        }

        if (files == 0) throw new InputException("The archive has no files: a bundle's were expected. Make it with 'tar -cf bundle.tar -C DIR .'.");
    }

    // Neither folders, links and devices nor names that lead out of the folder.
    private static void Check(TarEntry entry, string name)
    {
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !Manifest.IsPlainName(name))
        {
            throw new InputException($"The archive's entry '{entry.Name}' ({entry.EntryType}) isn't a plain file with a name of letters, digits, '.', '_' and '-': a bundle has nothing else.");
        }

        if (entry.Length > MaxFileBytes && name != ArtifactNames.VideoEmbeddings)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"The archive's {name} has {entry.Length:N0} bytes; a file other than {ArtifactNames.VideoEmbeddings} has at most {MaxFileBytes:N0}."));
        }
    }
}
