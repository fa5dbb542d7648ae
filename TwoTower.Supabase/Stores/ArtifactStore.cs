using System.Security.Cryptography;
using Polly;
using TwoTower.Supabase.Http;

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

    /// <summary>The name of a lock on it: of one place whatever way there.</summary>
    public virtual string Place => Name;

    /// <summary>Tries again what breaks while a file is read.</summary>
    protected virtual ResiliencePipeline Reading { get; } = RetryRules.Reading(TimeProvider.System, TimeSpan.FromSeconds(0.5));

    /// <summary>How long nothing of a file may come.</summary>
    protected virtual TimeSpan Silence => Patience.Usual.Silence;

    /// <summary>Checks that it is there and can be used; makes what is missing and can be made.</summary>
    /// <exception cref="Core.InputException">It can't be used.</exception>
    public abstract Task PrepareAsync(Action<string> say, CancellationToken ct);

    /// <summary>Opens a file; null where there is none.</summary>
    public abstract Task<Stream?> OpenAsync(string name, CancellationToken ct);

    /// <summary>What is known of a file; null where there is none.</summary>
    public abstract Task<StoredTag?> TagAsync(string name, CancellationToken ct);

    /// <summary>Writes a file, over one that is there.</summary>
    /// <param name="path">Where the content is on this machine.</param>
    public abstract Task WriteAsync(string name, string path, CancellationToken ct);

    /// <summary>Names of the folders in a folder.</summary>
    /// <exception cref="Core.InputException">The store isn't there.</exception>
    public abstract Task<IReadOnlyList<string>> FoldersAsync(string folder, CancellationToken ct);

    /// <summary>Copies a file within the store, over one that is there.</summary>
    /// <returns>False: there is no such file, and nothing was done.</returns>
    public abstract Task<bool> CopyAsync(string from, string to, CancellationToken ct);

    /// <summary>Deletes a file, if it is there.</summary>
    public abstract Task DeleteAsync(string name, CancellationToken ct);

    /// <summary>The content of a small file; null where there is none.</summary>
    /// <exception cref="RemoteException">It breaks off again and again.</exception>
    public async Task<byte[]?> ReadAsync(string name, CancellationToken ct)
    {
        using var content = new MemoryStream();
        return await ThroughAsync(name, () => content.SetLength(0), bytes => content.Write(bytes), ct) ? content.ToArray() : null;
    }

    /// <summary>SHA-256 and size of a file as it is read back; null where there is none.</summary>
    /// <exception cref="RemoteException">It breaks off again and again.</exception>
    public async Task<(string Sha256, long Size)?> HashAsync(string name, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var size = 0L;
        var isThere = await ThroughAsync(name, () =>
        {
            hash.GetHashAndReset();
            size = 0;
        }, bytes =>
        {
            hash.AppendData(bytes);
            size += bytes.Length;
        }, ct);
        return isThere ? (Convert.ToHexStringLower(hash.GetHashAndReset()), size) : null;
    }

    // Reads a file to its end, and from its beginning again where it breaks off; false: there is none.
    private async Task<bool> ThroughAsync(string name, Action begin, BytesReader take, CancellationToken ct)
    {
        try
        {
            return await Reading.ExecuteAsync(async token =>
            {
                begin();
                await using var stream = await OpenAsync(name, token);
                if (stream is null) return false;
                var buffer = new byte[1 << 16];
                for (int read; (read = await Patience.ReadAsync(stream, buffer, Silence, token)) > 0;) take(buffer.AsSpan(0, read));
                return true;
            }, ct);
        }
        catch (Exception error) when (RetryRules.IsBroken(error, ct))
        {
            throw new RemoteException($"{Name} broke off in the middle of {name} ({error.Message.TrimEnd('.')}); the same command goes on where it was.", error);
        }
    }

    private delegate void BytesReader(ReadOnlySpan<byte> bytes);

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
