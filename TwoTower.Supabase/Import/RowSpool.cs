using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Supabase.Import;

/// <summary>How far one table has come.</summary>
internal sealed record SpoolTable
{
    /// <summary>True when its last page is there.</summary>
    public bool IsDone { get; init; }

    /// <summary>Rows so far.</summary>
    public long Rows { get; init; }

    /// <summary>Rows in all, as the project said at the beginning.</summary>
    public long? Total { get; init; }

    /// <summary>The key of the last row.</summary>
    public IReadOnlyList<string>? After { get; init; }

    /// <summary>The latest <c>created_at</c> of its rows so far, where <see cref="SpoolState.UntilAtMost"/> needs it.</summary>
    public DateTimeOffset? Latest { get; init; }

    /// <summary>Bytes of each of its files that belong to whole pages.</summary>
    public IReadOnlyDictionary<string, long> Bytes { get; init; } = new Dictionary<string, long>();
}

/// <summary>What a download is of, and how far it has come.</summary>
internal sealed record SpoolState
{
    /// <summary>Whose rows, and which.</summary>
    public required string Source { get; init; }

    /// <summary>Decisions from then on; null: all.</summary>
    public string? Since { get; init; }

    /// <summary>How long before its beginning that is, where it was asked for so (7d); null: it was named as a time, or not at
    /// all.</summary>
    public TimeSpan? Ago { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The last decision at the beginning; the next import begins there. Null: there was none.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The project's time at the beginning, where it took too long to find the last decision: the latest of those that came is
    /// <see cref="Until"/>, but no later one than that. Null: the project said which is the last.</summary>
    public DateTimeOffset? UntilAtMost { get; init; }

    /// <summary>True when the rows that came can't be imported: the next import reads them again, for they may be mended.</summary>
    public bool HasFailed { get; init; }

    /// <summary>By table.</summary>
    public IReadOnlyDictionary<string, SpoolTable> Tables { get; init; } = new Dictionary<string, SpoolTable>();
}

/// <summary>
/// Rows on their way, as files that the importer of files reads. After each page the state is written, so that a download that is killed
/// goes on behind its last whole page. Only its user may read the folder; it is deleted when the rows are imported.
/// </summary>
internal sealed class RowSpool : IDisposable
{
    private const string StateFile = "state.json", LockFile = "lock";
    private readonly FileStream _lock;

    private RowSpool(string folder, FileStream @lock, SpoolState state) => (Folder, _lock, State) = (folder, @lock, state);

    /// <summary>Where the files are.</summary>
    public string Folder { get; }

    /// <summary>How far it is.</summary>
    public SpoolState State { get; private set; }

    /// <summary>Whether it goes on with one that was interrupted.</summary>
    public bool IsResumed { get; private init; }

    /// <summary>Opens the spool of a source. One that was begun for other rows is begun anew.</summary>
    /// <param name="home">The state folder.</param>
    /// <param name="source">Whose rows.</param>
    /// <param name="since">Decisions from then on.</param>
    /// <param name="ago">How long ago that is, where it was asked for so: one that was begun with the same keeps its own time.</param>
    /// <exception cref="InputException">The folder can't be written, or another import of it runs.</exception>
    public static RowSpool Open(string home, string source, string? since, TimeSpan? ago, DateTimeOffset now)
    {
        var folder = Path.Combine(home, "supabase", $"import-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)))[..16]}");
        FileStream? alone = null;
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            alone = Lock(folder, source);
            if (Read(Path.Combine(folder, StateFile)) is { HasFailed: false } there && there.Source == source
                && (there.Since == since || (ago is not null && there.Ago == ago)))
            {
                return new(folder, alone, there) { IsResumed = there.Tables.Count > 0 };
            }

            foreach (var file in Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file) != LockFile)) File.Delete(file);
            var spool = new RowSpool(folder, alone, new() { Source = source, Since = since, Ago = ago, StartedAt = now });
            spool.Save(spool.State);
            return spool;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            alone?.Dispose();
            throw new InputException($"{folder} can't be used for the rows on their way: {error.Message} Set TWOTOWER_HOME to a folder that takes files.", error);
        }
    }

    // What can't be read is begun anew.
    private static SpoolState? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<SpoolState>(File.ReadAllBytes(path), SnakeCaseJson.Indented) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static FileStream Lock(string folder, string source)
    {
        try
        {
            return new(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (HeldFile.IsHeld(error))
        {
            throw new InputException($"Another import of {source} runs, and has {folder}: wait for its end, or stop it.", error);
        }
    }

    /// <summary>Writes the state.</summary>
    public void Save(SpoolState state)
    {
        AtomicFile.Write(Path.Combine(Folder, StateFile), stream => JsonSerializer.Serialize(stream, state, SnakeCaseJson.Indented));
        State = state;
    }

    /// <summary>How far a table is.</summary>
    public SpoolTable Table(string name) => State.Tables.GetValueOrDefault(name) ?? new();

    /// <summary>Adds a page to the files of a table, and records it.</summary>
    /// <param name="name">The table.</param>
    /// <param name="lines">By file, the lines of the page.</param>
    /// <param name="table">How far the table is with them; <see cref="SpoolTable.Bytes"/> is filled in.</param>
    public void Add(string name, IReadOnlyDictionary<string, byte[]> lines, SpoolTable table)
    {
        var bytes = new Dictionary<string, long>(Table(name).Bytes);
        foreach (var (file, content) in lines)
        {
            using var stream = new FileStream(Path.Combine(Folder, file), FileMode.OpenOrCreate, FileAccess.Write);
            var whole = bytes.GetValueOrDefault(file);
            stream.SetLength(whole);
            stream.Seek(whole, SeekOrigin.Begin);
            stream.Write(content);
            stream.Flush(flushToDisk: true);
            bytes[file] = whole + content.Length;
        }

        Save(State with { Tables = new Dictionary<string, SpoolTable>(State.Tables) { [name] = table with { Bytes = bytes } } });
    }

    /// <summary>Ends a table: a file without rows says its columns, which a reader of JSON lines can't tell.</summary>
    public void Finish(string name, IReadOnlyDictionary<string, string> emptyFiles)
    {
        var table = Table(name);
        foreach (var (file, header) in emptyFiles.Where(file => table.Bytes.GetValueOrDefault(file.Key) == 0))
        {
            File.Delete(Path.Combine(Folder, file));
            File.WriteAllText(Path.Combine(Folder, Path.ChangeExtension(file, ".csv")), header + "\n");
        }

        Save(State with { Tables = new Dictionary<string, SpoolTable>(State.Tables) { [name] = table with { IsDone = true } } });
    }

    /// <summary>Deletes the files: their rows are imported.</summary>
    public void Delete()
    {
        _lock.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();
}
