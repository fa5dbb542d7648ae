using System.Security.Cryptography;

namespace TwoTower.Supabase.Stores;

/// <summary>What a store knows of a file without reading it.</summary>
/// <param name="Tag">Changes with the content.</param>
/// <param name="Size">Bytes.</param>
internal readonly record struct StoredTag(string Tag, long Size);

/// <summary>A place for published files: names with folders (<c>two-tower/v2/current/manifest.json</c>), each replaced as a
/// whole.</summary>
internal abstract class ArtifactStore : IDisposable
{
    /// <summary>Where it is, for messages and locks.</summary>
    public abstract string Name { get; }

    /// <summary>Checks that it is there and can be used; makes what is missing and can be made.</summary>
    /// <exception cref="Core.InputException">It can't be used.</exception>
    public abstract Task PrepareAsync(Action<string> say, CancellationToken ct);

    /// <summary>Opens a file; null where there is none.</summary>
    public abstract Task<Stream?> OpenAsync(string name, CancellationToken ct);

    /// <summary>What is known of a file; null where there is none.</summary>
    public abstract Task<StoredTag?> TagAsync(string name, CancellationToken ct);

    /// <summary>Writes a file, over one that is there.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="path">Where the content is on this machine.</param>
    public abstract Task WriteAsync(string name, string path, CancellationToken ct);

    /// <summary>Copies a file within the store, over one that is there.</summary>
    public abstract Task CopyAsync(string from, string to, CancellationToken ct);

    /// <summary>Deletes a file, if it is there.</summary>
    public abstract Task DeleteAsync(string name, CancellationToken ct);

    /// <summary>The content of a small file; null where there is none.</summary>
    public async Task<byte[]?> ReadAsync(string name, CancellationToken ct)
    {
        await using var stream = await OpenAsync(name, ct);
        if (stream is null) return null;
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, ct);
        return content.ToArray();
    }

    /// <summary>SHA-256 and size of a file as it is read back; null where there is none.</summary>
    public async Task<(string Sha256, long Size)?> HashAsync(string name, CancellationToken ct)
    {
        await using var stream = await OpenAsync(name, ct);
        if (stream is null) return null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        var size = 0L;
        for (int read; (read = await stream.ReadAsync(buffer, ct)) > 0; size += read) hash.AppendData(buffer.AsSpan(0, read));
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), size);
    }

    /// <summary>Writes a small file.</summary>
    public async Task WriteAsync(string name, byte[] content, CancellationToken ct)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, content, ct);
            await WriteAsync(name, path, ct);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>The type that a file is served with.</summary>
    protected static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".json" => "application/json",
        ".parquet" => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    };
}
