using System.Text.RegularExpressions;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Supabase.Stores;

namespace TwoTower.Supabase.Publishing;

/// <summary>What a publication did.</summary>
/// <param name="ModelVersion">What current/ holds now.</param>
/// <param name="Previous">What it held before; null: nothing.</param>
/// <param name="Changed">False: it held this already.</param>
/// <param name="Uploaded">Files that were uploaded; the others were there with the right content.</param>
internal sealed record Published(string ModelVersion, string? Previous, bool Changed, int Uploaded);

/// <summary>
/// Publishes bundles for readers elsewhere: <c>two-tower/&lt;major&gt;/&lt;version&gt;/</c>, and <c>…/current/</c> as a copy of one of
/// them. A file is read back before anything relies on it, and a manifest comes after the files that it names. current/ is copied to
/// undo/ before it changes: a failure puts it back, and after a kill the next run does.
/// </summary>
/// <param name="store">Where to.</param>
/// <param name="major">The readers' generation, <c>v3</c>.</param>
/// <param name="say">Told what is mended.</param>
internal sealed partial class Publisher(ArtifactStore store, string major, TimeProvider time, Action<string> say)
{
    private readonly string _root = $"two-tower/{major}/";

    private string JournalName => _root + "publications.json";

    /// <summary>The generation of a version: <c>v3</c> of <c>v3-taste-2026…</c>; of other names that of the feature schema.</summary>
    public static string MajorOf(string modelVersion, string? schemaVersion) =>
        Major().Match(modelVersion) is { Success: true } match ? match.Value
        : schemaVersion is not null && Major().Match(schemaVersion) is { Success: true } schema ? schema.Value : "v2";

    /// <summary>Uploads a bundle as its version, and makes current/ a copy of it.</summary>
    /// <param name="folder">The bundle.</param>
    /// <param name="done">Told the bytes that are through.</param>
    /// <exception cref="InputException">The store refuses it; current/ is as it was.</exception>
    public async Task<Published> PublishAsync(string folder, Manifest manifest, Action<long>? done, CancellationToken ct)
    {
        var version = manifest.ModelVersion;
        if (version is "current" or "undo" || !Manifest.IsPlainName(version))
        {
            throw new InputException($"The version {version} can't be a folder of published files: import its bundle under a name of letters, digits, '.', '_' and '-'.");
        }

        await RecoverAsync(ct);
        var uploaded = await StoreAsync(folder, manifest, done, ct);
        return await CopyAsync(
            version, "publish", null, journal => [.. journal.Published.Where(published => published != version), version], ct) with
        { Uploaded = uploaded };
    }

    /// <summary>Makes current/ a copy of the version that was published before.</summary>
    /// <param name="reason">Why.</param>
    /// <exception cref="InputException">There is none, or its files are damaged.</exception>
    public async Task<Published> RollbackAsync(string? reason, CancellationToken ct)
    {
        await RecoverAsync(ct);
        var journal = await PublicationJournal.ReadAsync(store, JournalName, ct);
        if (journal.Published.Count < 2)
        {
            var only = journal.Published is [var one] ? one : "now";
            throw new InputException($"Nothing was published to {store.Name} before {only}: there is nothing to go back to.");
        }

        var previous = journal.Published[^2];
        if (await FaultAsync(previous, ct) is { } damage) throw new InputException($"{previous} in {store.Name} is damaged ({damage}): publish another release.");
        return await CopyAsync(previous, "rollback", reason, now => [.. now.Published.SkipLast(1)], ct);
    }

    /// <summary>Makes current/ a copy of a version that is there, for the watcher; true if it was whole.</summary>
    public async Task<bool> ReturnAsync(string version, string reason, CancellationToken ct)
    {
        if (await FaultAsync(version, ct) is not null) return false;
        await CopyAsync(version, "watch", reason, journal =>
        {
            var at = journal.Published.ToList().LastIndexOf(version);
            return at < 0 ? [.. journal.Published, version] : [.. journal.Published.Take(at + 1)];
        }, ct);
        return true;
    }

    /// <summary>What was published, oldest first.</summary>
    public async Task<IReadOnlyList<string>> HistoryAsync(CancellationToken ct) =>
        (await PublicationJournal.ReadAsync(store, JournalName, ct)).Published;

    /// <summary>The manifest of current/; null where nothing is published, or it isn't one.</summary>
    public Task<Manifest?> CurrentAsync(CancellationToken ct) => ManifestAsync("current", ct);

    /// <summary>What is wrong with a version, or with current/, as it is read back; null: nothing.</summary>
    public async Task<string?> FaultAsync(string version, CancellationToken ct)
    {
        if (await ManifestAsync(version, ct) is not { } manifest) return $"{version}/{ArtifactNames.Manifest} is missing or is no manifest";
        foreach (var file in manifest.Files)
        {
            if (await FileFaultAsync(version, file, ct) is { } fault) return fault;
        }

        return null;
    }

    /// <summary>The names and tags of current/, which change when it does; empty where there is nothing.</summary>
    public async Task<string> TagsAsync(Manifest manifest, CancellationToken ct)
    {
        var tags = new List<string>();
        foreach (var name in manifest.Files.Select(file => file.Path).Append(ArtifactNames.Manifest))
        {
            tags.Add($"{name} {await store.TagAsync($"{_root}current/{name}", ct)}");
        }

        return string.Join('\n', tags);
    }

    /// <summary>Ends or undoes a change that was interrupted.</summary>
    public async Task RecoverAsync(CancellationToken ct)
    {
        var journal = await PublicationJournal.ReadAsync(store, JournalName, ct);
        if (journal.Switching is not { } switching) return;
        if (await CurrentAsync(ct) is { } current && current.ModelVersion == switching.To && await FaultAsync("current", ct) is null)
        {
            say($"{switching.To} was published when it was interrupted; that is recorded now");
            journal = journal with { Published = [.. journal.Published.Where(version => version != switching.To), switching.To] };
        }
        else
        {
            await UndoAsync(switching, ct);
            say($"the publication of {switching.To} was interrupted: current/ is as it was before it ({switching.From ?? "nothing"})");
        }

        await (journal with { Switching = null }).WriteAsync(store, JournalName, ct);
    }

    // The version's files, then its manifest. Those that are there with the right content stay.
    private async Task<int> StoreAsync(string folder, Manifest manifest, Action<long>? done, CancellationToken ct)
    {
        var (uploaded, through) = (0, 0L);
        foreach (var file in manifest.Files)
        {
            if (await FileFaultAsync(manifest.ModelVersion, file, ct) is not null)
            {
                await store.WriteAsync($"{_root}{manifest.ModelVersion}/{file.Path}", Path.Combine(folder, file.Path), ct);
                uploaded++;
                if (await FileFaultAsync(manifest.ModelVersion, file, ct) is { } fault) throw new InputException($"{store.Name} doesn't give back what was written: {fault}. Publish again.");
            }

            done?.Invoke(through += file.Size);
        }

        await store.WriteAsync($"{_root}{manifest.ModelVersion}/{ArtifactNames.Manifest}", Path.Combine(folder, ArtifactNames.Manifest), ct);
        return uploaded;
    }

    // Makes current/ a copy of a version that was verified.
    private async Task<Published> CopyAsync(
        string version, string what, string? reason, Func<PublicationJournal, IReadOnlyList<string>> published, CancellationToken ct)
    {
        var journal = await PublicationJournal.ReadAsync(store, JournalName, ct);
        var manifest = (await ManifestAsync(version, ct))!;
        var bytes = await store.ReadAsync($"{_root}{version}/{ArtifactNames.Manifest}", ct);
        var before = await CurrentAsync(ct);
        if (before?.ModelVersion == version && await FaultAsync("current", ct) is null && Same(before, manifest))
        {
            if (journal.Published is not [.., var last] || last != version)
            {
                await (journal with { Published = published(journal) }).WriteAsync(store, JournalName, ct);
            }

            return new(version, version, Changed: false, 0);
        }

        string[] old = before is null ? [] : [.. before.Files.Select(file => file.Path)];
        string[] all = [.. manifest.Files.Select(file => file.Path).Union(old)];
        foreach (var name in before is null ? [] : old.Append(ArtifactNames.Manifest))
        {
            // What is missing in a damaged current/ is missing in undo/, too.
            if (await store.TagAsync($"{_root}current/{name}", ct) is null) await store.DeleteAsync($"{_root}undo/{name}", ct);
            else await store.CopyAsync($"{_root}current/{name}", $"{_root}undo/{name}", ct);
        }

        var switching = new Switching(before?.ModelVersion, version, all);
        await (journal with { Switching = switching }).WriteAsync(store, JournalName, ct);
        try
        {
            foreach (var file in manifest.Files)
            {
                await store.CopyAsync($"{_root}{version}/{file.Path}", $"{_root}current/{file.Path}", ct);
                if (await FileFaultAsync("current", file, ct) is { } fault) throw new InputException($"{store.Name} doesn't give back what was copied: {fault}. Publish again.");
            }

            await store.CopyAsync($"{_root}{version}/{ArtifactNames.Manifest}", $"{_root}current/{ArtifactNames.Manifest}", ct);
            if (!(await store.ReadAsync($"{_root}current/{ArtifactNames.Manifest}", ct)).AsSpan().SequenceEqual(bytes))
            {
                throw new InputException($"{store.Name} doesn't give back the manifest that was copied. Publish again.");
            }

            foreach (var name in old.Except(manifest.Files.Select(file => file.Path))) await store.DeleteAsync($"{_root}current/{name}", ct);
            var step = new PublicationStep(version, time.GetUtcNow(), what, reason);
            await (journal with { Published = published(journal), Log = [.. journal.Log, step] }).WriteAsync(store, JournalName, ct);
        }
        catch
        {
            await PutBackAsync(switching, journal);
            throw;
        }

        return new(version, before?.ModelVersion, Changed: true, 0);
    }

    // Whoever asked to stop has to wait for it: current/ isn't left between two versions.
    private async Task PutBackAsync(Switching switching, PublicationJournal journal)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5), time);
            await UndoAsync(switching, patience.Token);
            await journal.WriteAsync(store, JournalName, patience.Token);
        }
        catch (Exception error)
        {
            say($"current/ couldn't be put back ({error.Message}): the next publish, rollback or watch does that");
        }
    }

    private async Task UndoAsync(Switching switching, CancellationToken ct)
    {
        var before = switching.From is null ? null : await ManifestAsync("undo", ct);
        string[] old = before is null ? [] : [.. before.Files.Select(file => file.Path)];
        foreach (var name in old)
        {
            if (await store.TagAsync($"{_root}undo/{name}", ct) is not null) await store.CopyAsync($"{_root}undo/{name}", $"{_root}current/{name}", ct);
        }

        if (before is not null) await store.CopyAsync($"{_root}undo/{ArtifactNames.Manifest}", $"{_root}current/{ArtifactNames.Manifest}", ct);
        else await store.DeleteAsync($"{_root}current/{ArtifactNames.Manifest}", ct);
        foreach (var name in switching.Files.Except(old)) await store.DeleteAsync($"{_root}current/{name}", ct);
    }

    private async Task<string?> FileFaultAsync(string version, ManifestFile file, CancellationToken ct)
    {
        // A size that is another needs no reading. That a file isn't there is found out by reading it: HEAD doesn't tell it from a refusal.
        var name = $"{version}/{file.Path}";
        if (await store.TagAsync(_root + name, ct) is { } tag && tag.Size != file.Size) return $"{name} has {tag.Size} bytes, not {file.Size}";
        return await store.HashAsync(_root + name, ct) is not { } hash ? $"{name} is missing"
            : hash.Sha256.Equals(file.Sha256, StringComparison.OrdinalIgnoreCase) && hash.Size == file.Size ? null
            : $"{name} has SHA-256 {hash.Sha256}, not {file.Sha256}";
    }

    private async Task<Manifest?> ManifestAsync(string version, CancellationToken ct)
    {
        var name = $"{_root}{version}/{ArtifactNames.Manifest}";
        var json = await store.ReadAsync(name, ct);
        try
        {
            return json is null ? null : Manifest.Parse(json, name);
        }
        catch (InputException)
        {
            return null;
        }
    }

    private static bool Same(Manifest a, Manifest b) =>
        a.Files.Select(file => (file.Path, file.Sha256.ToLowerInvariant())).ToHashSet().SetEquals(b.Files.Select(file =>
            (file.Path, file.Sha256.ToLowerInvariant())));

    [GeneratedRegex(@"\Av[0-9]{1,4}")]
    private static partial Regex Major();
}
