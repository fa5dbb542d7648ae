using System.Diagnostics.CodeAnalysis;

namespace TwoTower.Core.Artifacts;

/// <summary>The files of one release or bundle, each verified by its hash when it was read.</summary>
/// <param name="name">Whose files: a model version or a folder; for messages.</param>
public sealed class ReleaseFileSet(string name, IEnumerable<ReleaseFile> files)
{
    private readonly SortedDictionary<string, ReleaseFile> _files =
        new(files.ToDictionary(file => file.Path, StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>Whose files: a model version or a folder.</summary>
    public string Name { get; } = name;

    /// <summary>The W3C traceparent under which the release was trained; null for a folder.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The files by path, in ordinal order.</summary>
    public IReadOnlyCollection<ReleaseFile> Files => _files.Values;

    /// <summary>True when there is such a file.</summary>
    public bool Contains(string path) => _files.ContainsKey(path);

    /// <summary>The bytes of a file, if it is there.</summary>
    public bool TryGet(string path, [NotNullWhen(true)] out byte[]? content)
    {
        content = _files.GetValueOrDefault(path)?.Content;
        return content is not null;
    }

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="InputException">It is missing.</exception>
    public byte[] this[string path] => TryGet(path, out var content)
        ? content
        : throw new InputException($"{Name} has no {path}; it has {string.Join(", ", _files.Keys)}.");
}
