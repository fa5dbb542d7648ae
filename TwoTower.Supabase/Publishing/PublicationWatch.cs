using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Connections;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Stores;

namespace TwoTower.Supabase.Publishing;

/// <summary>
/// Looks at what is published: puts the version before back when it no longer verifies, and follows when the live release is rolled back.
/// </summary>
/// <param name="db">The database of the releases.</param>
/// <param name="store">Where they are published.</param>
/// <param name="publisher">Publishes there.</param>
/// <param name="place">The name of the lock.</param>
/// <param name="publish">Exports and publishes a release that isn't in the store.</param>
/// <param name="say">Told what was done.</param>
internal sealed class PublicationWatch(
    NpgsqlDataSource db, ArtifactStore store, Publisher publisher, string place, Func<string, CancellationToken, Task> publish,
        Action<string> say)
{
    private readonly Dictionary<string, string> _majors = [];
    private string _verified = "";
    private string _left = "";

    /// <summary>Looks again and again, until it is told to stop. What can't be read is looked at again.</summary>
    public async Task RunAsync(TimeSpan every, TimeProvider time, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await LookAsync(ct);
            }
            catch (Exception error) when (
                !ct.IsCancellationRequested
                && (error is InputException or RemoteException or NpgsqlException || RetryRules.IsBroken(error, ct)))
            {
                say($"can't look: {error.Message}");
            }

            await Task.Delay(every, time, ct);
        }
    }

    /// <summary>Looks once.</summary>
    /// <returns>True if something was put back.</returns>
    public async Task<bool> LookAsync(CancellationToken ct)
    {
        // Somebody publishes: it is as it should be when they are done.
        await using var alone = await PublishLock.TryTakeAsync(db, place, ct);
        if (alone is null) return false;
        await publisher.RecoverAsync(ct);
        var history = await publisher.HistoryAsync(ct);
        var current = await publisher.CurrentAsync(ct);
        if (current is null && history.Count == 0) return false;
        var fault = current is null ? $"current/{ArtifactNames.Manifest} is missing or is no manifest" : await FaultAsync(current, ct);
        if (fault is not null) return await PutBackAsync(history, fault, ct);
        return await LeftForAsync(current!.ModelVersion, ct) is { } live && await FollowAsync(current, history, live, ct);
    }

    private async Task<string?> FaultAsync(Manifest current, CancellationToken ct)
    {
        var tags = await publisher.TagsAsync(current, ct);
        if (tags == _verified) return null;
        if (await publisher.FaultAsync("current", ct) is { } fault) return fault;
        _verified = tags;
        return null;
    }

    // The newest one before that is whole and wasn't withdrawn; else a damaged copy is made anew.
    private async Task<bool> PutBackAsync(IReadOnlyList<string> history, string fault, CancellationToken ct)
    {
        foreach (var version in history.Reverse().Skip(1).Concat(history.TakeLast(1)))
        {
            if (version != history[^1] && await LeftForAsync(version, ct) is not null) continue;
            if (!await publisher.ReturnAsync(version, fault, ct)) continue;
            say($"what is published to {store.Name} doesn't verify ({fault}): {version} is put back");
            return true;
        }

        throw new InputException($"What is published to {store.Name} doesn't verify ({fault}), and no version there that may come back is whole: publish again.");
    }

    private async Task<bool> FollowAsync(Manifest current, IReadOnlyList<string> history, string live, CancellationToken ct)
    {
        var published = current.ModelVersion;
        if (await MajorAsync(live, () => Publisher.MajorOfAsync(db, live, ct)) is var other
            && other != await MajorAsync(published, () => publisher.MajorOfCurrentAsync(current, ct)))
        {
            return await StayAsync(published, history, $"{live} ({other})", ct);
        }

        if (!await publisher.ReturnAsync(live, $"{published} was rolled back", ct)) await publish(live, ct);
        say($"the live release was rolled back from {published}: {live} is published");
        return true;
    }

    // A release's generation never changes.
    private async Task<string> MajorAsync(string version, Func<Task<string>> ask) =>
        _majors.TryGetValue(version, out var known) ? known : _majors[version] = await ask();

    // Readers of a generation can't read another: they go back to what they had before, unless that was withdrawn, too.
    private async Task<bool> StayAsync(string published, IReadOnlyList<string> history, string live, CancellationToken ct)
    {
        foreach (var version in history.TakeWhile(version => version != published).Reverse())
        {
            if (await LeftForAsync(version, ct) is not null) continue;
            if (!await publisher.ReturnAsync(version, $"{published} was rolled back", ct)) continue;
            say($"the live release was rolled back from {published} to {live}, which is of another generation: {version} is published again");
            return true;
        }

        // Once is enough: it stays so until somebody publishes.
        if (_left == published) return false;
        _left = published;
        say($"the live release was rolled back from {published} to {live}, which is of another generation, and this one has no version to put back: {published} stays");
        return false;
    }

    // The live release, if the published one was left for it by going back and hasn't been live since.
    private Task<string?> LeftForAsync(string published, CancellationToken ct) => db.Sql(
        """
        select a.model_version
        from two_tower.active_release l join two_tower.releases a on a.release_id = l.release_id
        where a.model_version <> @published
          and (select h.is_rollback from two_tower.activations h
               where h.previous_model_version = @published order by h.activation_id desc limit 1)
        """).With("published", published).ScalarAsync<string?>(ct);
}
