using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Supabase.Stores;

/// <summary>A folder, which a web server or another machine may read.</summary>
internal sealed class FolderStore(string folder) : ArtifactStore
{
    private readonly string _root = Path.GetFullPath(folder);

    public override string Name => _root;

    public override Task PrepareAsync(Action<string> say, CancellationToken ct)
    {
        Try(_root, () => Directory.CreateDirectory(_root));
        return Task.CompletedTask;
    }

    public override Task<Stream?> OpenAsync(string name, CancellationToken ct)
    {
        var path = PathOf(name);
        return Task.FromResult(Try(path, () => File.Exists(path)
            ? (Stream?)new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete) : null));
    }

    public override Task<StoredTag?> TagAsync(string name, CancellationToken ct)
    {
        var file = new FileInfo(PathOf(name));
        return Task.FromResult(Try(file.FullName, () => file.Exists ? (StoredTag?)new($"{file.LastWriteTimeUtc.Ticks}", file.Length) : null));
    }

    public override Task<IReadOnlyList<string>> FoldersAsync(string folder, CancellationToken ct)
    {
        if (!Directory.Exists(_root)) throw new InputException($"There is no folder {_root}: name the one that was published to.");
        var path = PathOf(folder);
        return Task.FromResult(Try<IReadOnlyList<string>>(path, () =>
            Directory.Exists(path) ? [.. Directory.EnumerateDirectories(path).Select(found => Path.GetFileName(found))] : []));
    }

    public override Task WriteAsync(string name, string path, CancellationToken ct) => Task.Run(() =>
    {
        using var source = File.OpenRead(path);
        AtomicFile.Write(PathOf(name), source.CopyTo);
    }, ct);

    public override Task<bool> CopyAsync(string from, string to, CancellationToken ct) => Task.Run(async () =>
    {
        await using var source = await OpenAsync(from, ct);
        if (source is null) return false;
        AtomicFile.Write(PathOf(to), source.CopyTo);
        return true;
    }, ct);

    public override Task DeleteAsync(string name, CancellationToken ct)
    {
        var path = PathOf(name);
        Try(path, () =>
        {
            if (File.Exists(path)) File.Delete(path);
            return true;
        });
        return Task.CompletedTask;
    }

    private static T Try<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be used: {error.Message.TrimEnd('.')}. Let this user read and write it, or name another folder.", error);
        }
    }

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));
}
