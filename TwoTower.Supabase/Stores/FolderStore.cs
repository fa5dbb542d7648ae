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
        try
        {
            Directory.CreateDirectory(_root);
            return Task.CompletedTask;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{_root} can't be made: {error.Message} Name another folder.", error);
        }
    }

    public override Task<Stream?> OpenAsync(string name, CancellationToken ct)
    {
        var path = PathOf(name);
        return Task.FromResult<Stream?>(File.Exists(path)
            ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete) : null);
    }

    public override Task<StoredTag?> TagAsync(string name, CancellationToken ct)
    {
        var file = new FileInfo(PathOf(name));
        return Task.FromResult<StoredTag?>(file.Exists ? new($"{file.LastWriteTimeUtc.Ticks}", file.Length) : null);
    }

    public override Task WriteAsync(string name, string path, CancellationToken ct) => Task.Run(() =>
    {
        using var source = File.OpenRead(path);
        AtomicFile.Write(PathOf(name), source.CopyTo);
    }, ct);

    public override Task CopyAsync(string from, string to, CancellationToken ct) => WriteAsync(to, PathOf(from), ct);

    public override Task DeleteAsync(string name, CancellationToken ct)
    {
        var path = PathOf(name);
        if (File.Exists(path)) File.Delete(path);
        return Task.CompletedTask;
    }

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));
}
