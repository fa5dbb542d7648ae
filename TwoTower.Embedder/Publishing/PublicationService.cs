using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Releases;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Publishing;
using TwoTower.Supabase.Stores;

namespace TwoTower.Embedder.Publishing;

/// <summary>
/// <c>twotower publish PLACE --watch</c> in the embedder: publishes the live release where nothing is published yet, and watches over it
/// from then on. Any number of embedders may: one of them looks at a time.
/// </summary>
internal sealed class PublicationService(
    NpgsqlDataSource db, ArtifactStore store, IOptions<PublishOptions> options, TimeProvider time, ILogger<PublicationService> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        logger.LogInformation("Watching what is published to {Store}, every {Seconds} s", store.Name, options.Value.Every.TotalSeconds);
        try
        {
            await (await BeginAsync(stoppingToken)).RunAsync(options.Value.Every, time, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    // Neither a store nor a database that is away, nor a release that isn't there yet, is a reason to end.
    private async Task<PublicationWatch> BeginAsync(CancellationToken ct)
    {
        var isTold = false;
        while (true)
        {
            try
            {
                if (await TryBeginAsync(ct) is { } watch) return watch;
            }
            catch (Exception error) when (
                !ct.IsCancellationRequested
                && (error is InputException or RemoteException or NpgsqlException || RetryRules.IsBroken(error, ct)))
            {
                // Once is enough to say so.
                if (!isTold) logger.LogWarning("What is published to {Store} can't be watched at the moment: {Reason}", store.Name, error.Message);
                isTold = true;
            }

            await Task.Delay(options.Value.Every, time, ct);
        }
    }

    private async Task<PublicationWatch?> TryBeginAsync(CancellationToken ct)
    {
        if ((await new ReleaseStore(db).GetActiveAsync(ct))?.ModelVersion is not { } live) return null;
        var major = options.Value.Major is { Length: > 0 } given ? given : await Publisher.MajorOfAsync(db, live, ct);
        await store.PrepareAsync(Say, ct);
        var publisher = new Publisher(store, major, time, Say);
        var place = $"{store.Place} {major}";
        await using (await PublishLock.TakeAsync(db, place, ct))
        {
            await publisher.RecoverAsync(ct);
            var isEmpty = await publisher.CurrentAsync(ct) is null && (await publisher.HistoryAsync(ct)).Count == 0;
            if (isEmpty) await PublishAsync(publisher, live, ct);
        }

        return new(db, store, publisher, place, (version, token) => PublishAsync(publisher, version, token), Say);
    }

    private async Task PublishAsync(Publisher publisher, string version, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("twotower-publishing-").FullName;
        try
        {
            var bundle = Path.Combine(folder, version);
            var manifest = await ReleaseExport.WriteAsync(db, version, bundle, time, ct: ct);
            await publisher.PublishAsync(bundle, manifest, null, ct);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        logger.LogInformation("{ModelVersion} is published to {Store}", version, store.Name);
    }

    private void Say(string what) => logger.LogWarning("{What}", what);
}
