using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Serving;
using TwoTower.Cli.Stages;
using TwoTower.Cli.Telemetry;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Releases;
using TwoTower.Training;

namespace TwoTower.Cli.Demo;

/// <summary>
/// All of it in one process: database, data, training, embeddings, export, API, and three users' recommendations over HTTP. Each stage
/// looks for what an earlier run left, in the database, and goes on from there.
/// </summary>
internal sealed class DemoRun(Session session, DemoOptions options)
{
    private const string Host = "127.0.0.1";

    public async Task RunAsync()
    {
        var started = session.Time.GetTimestamp();
        ApiServer.RequireFree(Host, options.Port); // before minutes of work, not after
        var provided = await DemoDatabase.ProvideAsync(session, options.Source.DatabaseName, options.Fresh);
        var db = session.Open(provided);
        var loadedAt = await LoadAsync(db);
        var release = await FindReleaseAsync(db, loadedAt) is { } there ? Reuse(there) : await TrainAsync(db);
        await EmbeddingStage.RunAsync(session, db, release, activate: true);
        await ExportAsync(db, release);

        await using var server =
            await ApiServer.StartAsync(
                provided.ConnectionString, Host, options.Port, session.Parse.GetValue(CommonOptions.Verbose),
                OtlpOption.Endpoint(session.Parse), session.Stop);
        session.Kept = "data and release are kept; './twotower demo' serves them again in seconds";
        var users = await DemoUsers.AskAsync(db, server.Address, session.Time.GetUtcNow(), session.Stop);
        var result = new DemoResult(server.Address, server.Documentation, new Uri(server.Address, "openapi/v1.json"), release, users);
        session.Terminal.Result(result, () => DemoPrinter.Show(session.Terminal, result));
        session.Terminal.Say($"{(options.Fresh ? "from nothing" : "first recommendations")} in {Amounts.Time(session.Time.GetElapsedTime(started))}");
        if (!options.Exit)
        {
            session.Terminal.Say("serving; Ctrl-C stops it");
            await server.ServeAsync(session.Stop);
            session.Stop.ThrowIfCancellationRequested();
        }
    }

    private async Task<DateTimeOffset> LoadAsync(NpgsqlDataSource db)
    {
        var (source, journal) = (options.Source, new LoadJournal(db));
        if (await journal.HoldsOtherDataAsync(source.Fingerprint, session.Stop))
        {
            throw new InputException(
                "the given database holds other data than this demo's: give an empty one, or leave --database out and the demo uses a database of its own");
        }

        if (await journal.FindAsync(source.Fingerprint, session.Stop) is { } at)
        {
            session.Terminal.Say($"data: {source.Description}, loaded {at:yyyy-MM-dd HH:mm}Z, reused");
            return at;
        }

        session.Terminal.Say($"data: {source.Description}");
        var tables = await Task.Run(() => source.Read(session.Terminal.Warn), session.Stop);
        await journal.BeginAsync(source.Fingerprint, source.Description, session.Stop);
        var written = await Loading.WriteAsync(session, db, tables);
        await journal.EndAsync(source.Fingerprint, session.Stop);
        session.Terminal.Say(Loading.Sentence(tables, written));
        return (await journal.FindAsync(source.Fingerprint, session.Stop))!.Value;
    }

    /// <summary>The newest usable release of this data and recipe; the recipe in its files says so, nothing on disk is asked.</summary>
    private async Task<Release?> FindReleaseAsync(NpgsqlDataSource db, DateTimeOffset loadedAt)
    {
        var wanted = JsonNode.Parse(RecipeReader.ToJson(options.Recipe));
        return (await new ReleaseStore(db).ListAsync(session.Stop)).FirstOrDefault(release =>
            release.State is ReleaseState.Trained or ReleaseState.Embedding or ReleaseState.Ready or ReleaseState.Active
            && release.CreatedAt >= loadedAt
            && JsonNode.DeepEquals(RecipeReader.Current(JsonNode.Parse(release.Config.GetRawText())), wanted));
    }

    private string Reuse(Release release)
    {
        session.Terminal.Say($"release: {release.ModelVersion}, trained {release.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm}Z, reused (--fresh starts anew)");
        return release.ModelVersion;
    }

    private async Task<string> TrainAsync(NpgsqlDataSource db)
    {
        // One checkpoint for each recipe: a run with another one doesn't throw away what was learned by this one.
        var recipe = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(RecipeReader.ToJson(options.Recipe))))[..8];
        var checkpoint = Path.Combine(await CheckpointFolder.OfAsync(db, session.Stop), recipe, CheckpointFolder.FileName);

        return (await TrainingStage.RunAsync(
            session, db, options.Recipe, checkpoint, options.Fresh ? Resumption.Never : Resumption.IfInterrupted)).ModelVersion;
    }

    private async Task ExportAsync(NpgsqlDataSource db, string release)
    {
        var folder = StateHome.Artifacts(release);
        if (File.Exists(Path.Combine(folder, ArtifactNames.Manifest)))
        {
            session.Terminal.Say($"artifacts: {folder}, reused");
            return;
        }

        session.Kept = "the release is kept in the database; run the same command to go on";
        var manifest = await ReleaseExport.WriteAsync(
            db, release, folder, session.Time, SourceCommit.Of(typeof(DemoRun).Assembly), progress: null, session.Stop);
        session.Terminal.Say($"artifacts: {folder}, {manifest.Files.Count} files, {Amounts.Bytes(manifest.Files.Sum(file => file.Size))}");
    }
}
