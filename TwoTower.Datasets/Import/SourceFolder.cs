using System.IO.Compression;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>A folder with files to import, or a zip archive of one, which is unpacked into a temporary folder and checked.</summary>
internal sealed class SourceFolder : IDisposable
{
    private readonly string? _temporary;

    private SourceFolder(string path, string name, string? temporary) => (Path, Name, _temporary) = (path, name, temporary);

    /// <summary>Where the files are.</summary>
    public string Path { get; }

    /// <summary>What the user named, for messages.</summary>
    public string Name { get; }

    /// <summary>Opens a folder or a zip archive.</summary>
    /// <exception cref="InputException">It is neither, or the archive is damaged.</exception>
    public static SourceFolder Open(string path)
    {
        if (Directory.Exists(path)) return new(path, path, null);
        RequireZip(path);
        var temporary = Directory.CreateTempSubdirectory("twotower-zip-").FullName;
        try
        {
            return new(Unpack(path, temporary), path, temporary);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or IOException or NotSupportedException
            or UnauthorizedAccessException)
        {
            Directory.Delete(temporary, recursive: true);
            throw new InputException($"{path} can't be unpacked: {error.Message} Copy or make it anew.", error);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <summary>Opens a folder or a zip archive for a set of rows, which closes it. It is closed here where no set comes of it.</summary>
    /// <exception cref="InputException">It is neither, the archive is damaged, or the set can't be had.</exception>
    public static ImportSet Open(string path, Func<SourceFolder, ImportSet> set)
    {
        var source = Open(path);
        try
        {
            return set(source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Refuses what is neither a folder nor a zip archive, by its name alone.</summary>
    /// <exception cref="InputException">It is neither.</exception>
    public static void Require(string path)
    {
        if (!Directory.Exists(path)) RequireZip(path);
    }

    /// <summary>SHA-256 over what the readers take: name and content of a folder's files of data, or the bytes of a zip archive. An edited
    /// file gives another one.</summary>
    /// <exception cref="InputException">It is neither, or a file can't be read.</exception>
    public static string Fingerprint(string path)
    {
        Require(path);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            if (File.Exists(path)) Append(path);
            else
            {
                foreach (var file in Directory.EnumerateFiles(path).Where(ImportFormats.IsData).Order(StringComparer.Ordinal))
                {
                    hash.AppendData(Encoding.UTF8.GetBytes($"{System.IO.Path.GetFileName(file)}\n"));
                    Append(file);
                }
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());

            void Append(string file)
            {
                using var stream = File.OpenRead(file);
                hash.AppendData(SHA256.HashData(stream));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>The path of a file; null when there is none.</summary>
    public string? Find(string file)
    {
        var path = System.IO.Path.Combine(Path, file);
        return File.Exists(path) ? path : null;
    }

    public void Dispose()
    {
        if (_temporary is not null) Directory.Delete(_temporary, recursive: true);
    }

    private static void RequireZip(string path)
    {
        if (!File.Exists(path)) throw new InputException($"There is no folder '{path}', and no zip archive of that name.");
        if (!path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException($"{path} is a file; name the folder that holds it, or a zip archive of that folder.");
        }
    }

    // Folders of the archive become numbered ones, so that no name in it leads anywhere else. Returns the one that has data.
    private static string Unpack(string path, string temporary)
    {
        using var archive = ZipFile.OpenRead(path);
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in archive.Entries.Where(entry => entry.Name.Length > 0 && !IsClutter(entry.FullName)))
        {
            if (entry.IsEncrypted) throw new InputException($"{path} is encrypted ({entry.FullName}): unpack it, and name the folder.");
            var folder = entry.FullName[..^entry.Name.Length];
            if (!folders.TryGetValue(folder, out var target))
            {
                folders.Add(folder, target = Directory.CreateDirectory(System.IO.Path.Combine(temporary, $"{folders.Count}")).FullName);
            }

            Extract(entry, System.IO.Path.Combine(target, System.IO.Path.GetFileName(entry.Name)));
        }

        if (folders.Count == 0) throw new InputException($"{path} has no files in it.");
        var shallow = folders.OrderBy(folder => folder.Key.Count(letter => letter == '/'))
            .ThenBy(folder => folder.Key, StringComparer.Ordinal).ToList();
        return shallow.FirstOrDefault(folder => ImportFormats.Recognise(folder.Value) is not null, shallow[0]).Value;
    }

    // .NET doesn't compare the checksum.
    private static void Extract(ZipArchiveEntry entry, string target)
    {
        var crc = new Crc32();
        var length = 0L;
        var buffer = new byte[1 << 16];
        using var source = entry.Open();
        using var file = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
        for (int read; (read = source.Read(buffer)) > 0; length += read)
        {
            crc.Append(buffer.AsSpan(0, read));
            file.Write(buffer.AsSpan(0, read));
        }

        if (length != entry.Length
            || crc.GetCurrentHashAsUInt32() != entry.Crc32) throw new InvalidDataException($"{entry.FullName} is damaged in it.");
    }

    private static bool IsClutter(string name) => name.Split('/').Any(part => part == "__MACOSX" || part.StartsWith('.'));
}
