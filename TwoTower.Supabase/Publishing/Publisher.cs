using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
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
/// undo/ before it changes: a failure puts it back, and after a kill the next run does. Other files of a version that is stored already
/// come to incoming/ as a whole first, and after a kill the next run copies them to the end.
/// </summary>
/// <param name="store">Where to.</param>
/// <param name="major">The readers' generation, <c>v3</c>.</param>
/// <param name="say">Told what is mended.</param>
internal sealed partial class Publisher(ArtifactStore store, string major, TimeProvider time, Action<string> say)
{
    private readonly string _root = $"two-tower/{major}/";

    private const string Incoming = "incoming";

    private string JournalName => _root + "publications.json";

    /// <summary>Whether a text is a generation, such as <c>v3</c>.</summary>
    public static bool IsMajor(string text) => Major().Match(text) is { Success: true } match && match.Length == text.Length;

    /// <summary>The generation of a release of the registry.</summary>
    public static async Task<string> MajorOfAsync(NpgsqlDataSource db, string modelVersion, CancellationToken ct)
    {
        if (Major().Match(modelVersion) is { Success: true } match) return match.Value;
        var schema = await new ReleaseStore(db).ReadAsync(modelVersion, ArtifactNames.FeatureSchema, ct);
        return MajorOf(modelVersion, VersionOf(JsonElement.Parse(schema)));
    }

    /// <summary>The generation of what is published.</summary>
    public async Task<string> MajorOfCurrentAsync(Manifest current, CancellationToken ct)
    {
        if (Major().Match(current.ModelVersion) is { Success: true } match) return match.Value;
        var schema = await store.ReadAsync($"{_root}current/{ArtifactNames.FeatureSchema}", ct);
        return MajorOf(current.ModelVersion, schema is null ? null : VersionOf(JsonElement.Parse(schema)));
    }

    /// <summary>The generations that a store has publications of: v9 before v10.</summary>
    /// <exception cref="InputException">There is no such place.</exception>
    public static async Task<IReadOnlyList<string>> MajorsAsync(ArtifactStore store, CancellationToken ct) =>
        [.. (await store.FoldersAsync("two-tower", ct)).Where(IsMajor)
            .OrderBy(folder => int.Parse(folder.AsSpan(1), CultureInfo.InvariantCulture)).ThenBy(folder => folder, StringComparer.Ordinal)];

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
        if (version is "current" or "undo" or Incoming || !Manifest.IsPlainName(version))
        {
            throw new InputException($"The version {version} can't be a folder of published files: import its bundle under a name of letters, digits, '.', '_' and '-'.");
        }

        await RecoverAsync(ct);
        var uploaded = await StoreAsync(folder, manifest, done, ct);
        return await SwitchAsync(
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
        return await SwitchAsync(previous, "rollback", reason, now => [.. now.Published.SkipLast(1)], ct);
    }

    /// <summary>Makes current/ a copy of a version that is there, for the watcher; true if it was whole.</summary>
    public async Task<bool> ReturnAsync(string version, string reason, CancellationToken ct)
    {
        if (await FaultAsync(version, ct) is not null) return false;
        await SwitchAsync(version, "watch", reason, journal =>
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

    /// <summary>Ends or undoes a change that was interrupted. Where that can't be done, it says so and the record of it stays.</summary>
    public async Task RecoverAsync(CancellationToken ct)
    {
        var journal = await PublicationJournal.ReadAsync(store, JournalName, ct);
        if (journal.Replacing is { } replacing) journal = await ReplaceAsync(journal, replacing, ct);
        if (journal.Switching is not { } switching) return;
        if (await CurrentAsync(ct) is { } current && current.ModelVersion == switching.To && await FaultAsync("current", ct) is null)
        {
            say($"{switching.To} was published when it was interrupted; that is recorded now");
            journal = journal with { Published = [.. journal.Published.Where(version => version != switching.To), switching.To] };
        }
        else if (await UndoAsync(switching, ct) is { } fault)
        {
            say($"the publication of {switching.To} was interrupted, and current/ can't be made what it was before it ({fault}): publish a release, or go back");
            return;
        }
        else
        {
            say($"the publication of {switching.To} was interrupted: current/ is as it was before it ({switching.From ?? "nothing"})");
        }

        await (journal with { Switching = null }).WriteAsync(store, JournalName, ct);
    }

    // The version's files, then its manifest. Those that are there with the right content stay. A version that can be gone back to isn't
    // half of another at any time: what changes in it comes to incoming/ first.
    private async Task<int> StoreAsync(string folder, Manifest manifest, Action<long>? done, CancellationToken ct)
    {
        var version = manifest.ModelVersion;
        var target = await ManifestAsync(version, ct) is null ? version : Incoming;
        var (changed, through) = (new List<string>(), 0L);
        foreach (var file in manifest.Files)
        {
            if (await FileFaultAsync(version, file, ct) is not null)
            {
                await store.WriteAsync($"{_root}{target}/{file.Path}", Path.Combine(folder, file.Path), ct);
                changed.Add(file.Path);
                if (await FileFaultAsync(target, file, ct) is { } fault) throw new InputException($"{store.Name} doesn't give back what was written: {fault}. Publish again.");
            }

            done?.Invoke(through += file.Size);
        }

        if (changed.Count == 0) target = version;
        var (name, local) = ($"{_root}{target}/{ArtifactNames.Manifest}", Path.Combine(folder, ArtifactNames.Manifest));
        await store.WriteAsync(name, local, ct);
        if (!IsSame(await store.ReadAsync(name, ct), await File.ReadAllBytesAsync(local, ct)))
        {
            throw new InputException($"{store.Name} doesn't give back the manifest that was written. Publish again.");
        }

        if (target != version)
        {
            var (replacing, journal) = (new Replacing(version, changed), await PublicationJournal.ReadAsync(store, JournalName, ct));
            await (journal with { Replacing = replacing }).WriteAsync(store, JournalName, ct);
            await ReplaceAsync(journal, replacing, ct);
        }

        return changed.Count;
    }

    // Copies incoming/ into the version that it replaces; done twice it is the same.
    private async Task<PublicationJournal> ReplaceAsync(PublicationJournal journal, Replacing replacing, CancellationToken ct)
    {
        string[] names = [.. replacing.Files, ArtifactNames.Manifest];
        foreach (var name in names)
        {
            if (await store.CopyAsync($"{_root}{Incoming}/{name}", $"{_root}{replacing.Version}/{name}", ct)) continue;
            say($"{Incoming}/{name} is gone: {replacing.Version} in {store.Name} can't be gone back to until it is published again");
            break;
        }

        journal = journal with { Replacing = null };
        await journal.WriteAsync(store, JournalName, ct);
        foreach (var name in names) await store.DeleteAsync($"{_root}{Incoming}/{name}", ct);
        return journal;
    }

    // Makes current/ a copy of a version that was verified.
    private async Task<Published> SwitchAsync(
        string version, string what, string? reason, Func<PublicationJournal, IReadOnlyList<string>> published, CancellationToken ct)
    {
        var journal = await PublicationJournal.ReadAsync(store, JournalName, ct);
        var manifest = await ManifestAsync(version, ct)
            ?? throw new InputException($"{version}/{ArtifactNames.Manifest} in {store.Name} is gone: publish again.");
        var bytes = await store.ReadAsync($"{_root}{version}/{ArtifactNames.Manifest}", ct);
        var before = await CurrentAsync(ct);
        if (before?.ModelVersion == version && await FaultAsync("current", ct) is null && Same(before, manifest))
        {
            if (journal.Published is not [.., var last] || last != version || journal.Switching is not null)
            {
                await (journal with { Published = published(journal), Switching = null }).WriteAsync(store, JournalName, ct);
            }

            return new(version, version, Changed: false, 0);
        }

        string[] old = before is null ? [] : [.. before.Files.Select(file => file.Path)];
        string[] all = [.. manifest.Files.Select(file => file.Path).Union(old)];
        var missing = new List<string>();
        foreach (var name in before is null ? [] : old.Append(ArtifactNames.Manifest))
        {
            // What is missing in a damaged current/ is missing in undo/, too.
            if (await store.CopyAsync($"{_root}current/{name}", $"{_root}undo/{name}", ct)) continue;
            await store.DeleteAsync($"{_root}undo/{name}", ct);
            missing.Add(name);
        }

        var switching = new Switching(before?.ModelVersion, version, all, missing);
        await (journal with { Switching = switching }).WriteAsync(store, JournalName, ct);
        try
        {
            foreach (var file in manifest.Files)
            {
                await CopyExistingAsync($"{version}/{file.Path}", $"current/{file.Path}", ct);
                if (await FileFaultAsync("current", file, ct) is { } fault) throw new InputException($"{store.Name} doesn't give back what was copied: {fault}. Publish again.");
            }

            await CopyExistingAsync($"{version}/{ArtifactNames.Manifest}", $"current/{ArtifactNames.Manifest}", ct);
            if (!IsSame(await store.ReadAsync($"{_root}current/{ArtifactNames.Manifest}", ct), bytes))
            {
                throw new InputException($"{store.Name} doesn't give back the manifest that was copied. Publish again.");
            }

            foreach (var name in old.Except(manifest.Files.Select(file => file.Path))) await store.DeleteAsync($"{_root}current/{name}", ct);
            var step = new PublicationStep(version, time.GetUtcNow(), what, reason);
            await (journal with { Published = published(journal), Log = [.. journal.Log, step], Switching = null })
                .WriteAsync(store, JournalName, ct);
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
            if (await UndoAsync(switching, patience.Token) is { } fault)
            {
                say($"current/ isn't what it was ({fault}): publish a release, or go back");
                return;
            }

            await (journal with { Switching = null }).WriteAsync(store, JournalName, patience.Token);
        }
        catch (Exception error)
        {
            say($"current/ couldn't be put back ({error.Message}): the next publish, rollback or watch does that");
        }
    }

    // What is wrong with current/ afterwards that wasn't before the change; null: nothing.
    private async Task<string?> UndoAsync(Switching switching, CancellationToken ct)
    {
        if (switching.From is null)
        {
            foreach (var name in switching.Files.Prepend(ArtifactNames.Manifest)) await store.DeleteAsync($"{_root}current/{name}", ct);
            return null;
        }

        var before = await ManifestAsync("undo", ct);
        if (before?.ModelVersion != switching.From) return $"undo/{ArtifactNames.Manifest} isn't that of {switching.From}";
        string? fault = null;
        foreach (var file in before.Files)
        {
            var (from, to) = ($"{_root}undo/{file.Path}", $"{_root}current/{file.Path}");
            if (await store.CopyAsync(from, to, ct))
            {
                // A file that was damaged before is so again.
                if (await FileFaultAsync("current", file, ct) is { } wrong && await store.HashAsync(from, ct) != await store.HashAsync(to, ct)) fault ??= wrong;
            }
            else if (switching.Missing?.Contains(file.Path) == true) await store.DeleteAsync(to, ct);
            else fault ??= $"undo/{file.Path} is missing";
        }

        await CopyExistingAsync($"undo/{ArtifactNames.Manifest}", $"current/{ArtifactNames.Manifest}", ct);
        if (!IsSame(await store.ReadAsync($"{_root}current/{ArtifactNames.Manifest}", ct), await store.ReadAsync($"{_root}undo/{ArtifactNames.Manifest}", ct)))
        {
            fault ??= $"current/{ArtifactNames.Manifest} isn't that of {switching.From}";
        }

        foreach (var name in switching.Files.Except(before.Files.Select(file => file.Path))) await store.DeleteAsync($"{_root}current/{name}", ct);
        return fault;
    }

    // A copy of a file that was there a moment ago.
    private async Task CopyExistingAsync(string from, string to, CancellationToken ct)
    {
        if (!await store.CopyAsync(_root + from, _root + to, ct)) throw new InputException($"{from} in {store.Name} is gone. Publish again.");
    }

    private async Task<string?> FileFaultAsync(string version, ManifestFile file, CancellationToken ct)
    {
        // A size that is another needs no reading.
        var name = $"{version}/{file.Path}";
        if (await store.TagAsync(_root + name, ct) is not { } tag) return $"{name} is missing";
        if (tag.Size != file.Size) return $"{name} has {tag.Size} bytes, not {file.Size}";
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

    private static bool IsSame(byte[]? a, byte[]? b) => a.AsSpan().SequenceEqual(b);

    private static string? VersionOf(JsonElement schema) =>
        schema.TryGetProperty("version", out var version) && version.ValueKind == JsonValueKind.String ? version.GetString() : null;

    private static bool Same(Manifest a, Manifest b) =>
        a.Files.Select(file => (file.Path, file.Sha256.ToLowerInvariant())).ToHashSet().SetEquals(b.Files.Select(file =>
            (file.Path, file.Sha256.ToLowerInvariant())));

    [GeneratedRegex(@"\Av[0-9]{1,4}")]
    private static partial Regex Major();
}
