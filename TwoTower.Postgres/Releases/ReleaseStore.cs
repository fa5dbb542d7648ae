using System.Diagnostics;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Entities;

namespace TwoTower.Postgres.Releases;

/// <summary>
/// The registry of releases and their files, in Postgres. Every method is one transaction; every refusal (an unknown version, a
/// transition that isn't allowed, a damaged file) is an <see cref="InputException"/> that says so. Thread-safe.
/// </summary>
internal sealed class ReleaseStore(NpgsqlDataSource db)
{
    /// <summary>Registers what a training made, state <see cref="ReleaseState.Trained"/>: all of it or, after a failure, a kill or a full
    /// disk, none of it. Registering the same files again returns the release that is there.</summary>
    /// <param name="files">What ReleaseFiles.Build made.</param>
    /// <param name="recipe">The recipe that was trained.</param>
    /// <param name="metricsJson">How it went, a JSON object; null takes metrics.json of the files.</param>
    /// <param name="ct">Cancels; nothing is registered then.</param>
    public Task<Release> RegisterAsync(
        IReadOnlyList<ReleaseFile> files, Recipe recipe, string? metricsJson = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var set = new ReleaseFileSet("the new release", files);
        var meta = ModelMeta.Parse(set[ArtifactNames.ModelMeta], ArtifactNames.ModelMeta);
        var exportedAt = meta.ExportedAt ?? throw new InputException("model_meta.json of the new release has no exported_at.");
        var version = ModelVersion.Of(recipe.Name, exportedAt, files);
        return RegisterAsync(version, set, recipe.Name, metricsJson, imported: false, VectorType.Vector, "trainer", ct);
    }

    /// <summary>Registers files under a name that they bring with them: a verified bundle.</summary>
    public Task<Release> RegisterAsync(
        string modelVersion, ReleaseFileSet files, string? recipe, string? metricsJson, bool imported, VectorType vectorType, string actor,
        CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        ArgumentNullException.ThrowIfNull(files);
        var origin = Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;
        using var span = ReleaseTelemetry.Begin("register release", modelVersion);
        var meta = ModelMeta.Parse(files[ArtifactNames.ModelMeta], ArtifactNames.ModelMeta);
        var dim = meta.EmbeddingDim ?? throw new InputException($"model_meta.json of {files.Name} has no embedding_dim.");
        var most = vectorType == VectorType.HalfVec ? 4000 : 2000;
        if (dim < 1 || dim > most) throw new InputException($"model_meta.json of {files.Name} has embedding_dim {dim}: a {ReleaseRow.Name(vectorType)} under an index has 1 to {most} numbers.");
        metricsJson ??= files.TryGet(ArtifactNames.Metrics, out var metrics)
            ? BundleJson.Read<JsonElement>(metrics, $"{ArtifactNames.Metrics} of {files.Name}").GetRawText()
            : "{}";

        await using var context = TwoTowerDb.Open(db);
        await using var transaction = await context.Database.BeginTransactionAsync(ct);
        await ((NpgsqlConnection)context.Database.GetDbConnection())
            .Sql("select set_config('two_tower.actor', @actor, true), set_config('two_tower.reason', @reason, true)")
            .With("actor", actor).With("reason", imported ? "imported" : $"trained by recipe {recipe}").ExecuteAsync(ct);
        var release = new Release
        {
            Id = default,
            ModelVersion = modelVersion,
            State = ReleaseState.Trained,
            StateAt = default,
            Imported = imported,
            Recipe = recipe,
            EmbeddingDim = dim,
            VectorType = vectorType,
            Config = meta.Config is { ValueKind: JsonValueKind.Object } config ? config : JsonElement.Parse("{}"),
            Metrics = JsonElement.Parse(metricsJson),
            CreatedAt = default,
            TraceParent = origin,
        };
        context.Add(release);
        try
        {
            await context.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            await transaction.RollbackAsync(ct);
            return await SameFilesAsync(modelVersion, files, ct);
        }

        context.AddRange(files.Files.Select(file => new ReleaseFileEntity
        {
            ReleaseId = release.Id,
            Path = file.Path,
            Sha256 = file.Sha256,
            Size = file.Content.Length,
            Content = file.Content,
        }));
        await context.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        ReleaseTelemetry.Entered(ReleaseState.Trained);
        return await GetAsync(modelVersion, ct);
    });

    /// <summary>All releases, newest first.</summary>
    public Task<IReadOnlyList<Release>> ListAsync(CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<Release>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<Release>().OrderByDescending(release => release.Id).ToListAsync(ct);
        });

    /// <summary>The release that is served; null with none.</summary>
    public Task<Release?> GetActiveAsync(CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var context = TwoTowerDb.Open(db);
        return await context.Set<ActivePointer>()
            .Join(context.Set<Release>(), pointer => pointer.ReleaseId, release => release.Id, (_, release) => release)
            .SingleOrDefaultAsync(ct);
    });

    /// <summary>A release by its version; null when there is none.</summary>
    public Task<Release?> FindAsync(string modelVersion, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var context = TwoTowerDb.Open(db);
        return await context.Set<Release>().SingleOrDefaultAsync(release => release.ModelVersion == modelVersion, ct);
    });

    /// <summary>A release by its version.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public async Task<Release> GetAsync(string modelVersion, CancellationToken ct = default) =>
        await FindAsync(modelVersion, ct) ?? throw NoSuchRelease(modelVersion);

    /// <summary>The files of a release, every hash verified.</summary>
    /// <exception cref="InputException">There is no such release, or a file isn't what was registered.</exception>
    /// <exception cref="ReleaseGoneException">It is retired, and its files are freed.</exception>
    public Task<ReleaseFileSet> OpenAsync(string modelVersion, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        // Requests wait for it where a tower isn't loaded yet: SQL, as all of their path.
        var files = await db.Sql(
            """
            select f.path, f.sha256, f.size, f.content, r.traceparent
            from two_tower.releases r join two_tower.release_files f using (release_id)
            where r.model_version = @version order by f.path
            """)
            .With("version", modelVersion)
            .ListAsync(row => (File: Checked(modelVersion, row), TraceParent: row.GetOrNull<string>("traceparent")), ct);
        return files.Count > 0
            ? new ReleaseFileSet($"release {modelVersion}", [.. files.Select(file => file.File)]) { TraceParent = files[0].TraceParent }
            : throw NoSuchRelease(modelVersion);
    });

    /// <summary>One file of a release.</summary>
    /// <exception cref="InputException">There is no such release or file, or it is damaged.</exception>
    /// <exception cref="ReleaseGoneException">It is retired, and its files are freed.</exception>
    public Task<byte[]> ReadAsync(string modelVersion, string path, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            var files = await db.Sql(
                """
                select f.path, f.sha256, f.size, f.content
                from two_tower.releases r join two_tower.release_files f using (release_id)
                where r.model_version = @version and f.path = @path
                """)
                .With("version", modelVersion).With("path", path).ListAsync(row => Checked(modelVersion, row), ct);
            if (files.Count > 0) return files[0].Content;
            await GetAsync(modelVersion, ct);
            throw new InputException($"Release {modelVersion} has no file {path}: train or import it again.");
        });

    /// <summary>What the files of a release are, whether their bytes are there or freed; ordered by path.</summary>
    public Task<IReadOnlyList<StoredFile>> FilesAsync(string modelVersion, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<StoredFile>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<Release>().Where(release => release.ModelVersion == modelVersion)
                .Join(context.Set<ReleaseFileEntity>(), release => release.Id, file => file.ReleaseId, (_, file) => file)
                .OrderBy(file => file.Path)
                .Select(file => new StoredFile(file.Path, file.Sha256, file.Size, file.Content == null))
                .ToListAsync(ct);
        });

    /// <summary>Makes a ready release the one that is served; the one before goes back to ready. One short transaction.</summary>
    /// <exception cref="InputException">There is no such release, or it isn't ready.</exception>
    public Task<Activation> ActivateAsync(string modelVersion, string actor, string? reason, CancellationToken ct = default) => MoveAsync(
        "activate release", "two_tower.activate_release(@version, @actor, @reason)", modelVersion, "@version",
        [("version", modelVersion), ("actor", actor), ("reason", reason)], ReadActivation, ct);

    /// <summary>As <see cref="ActivateAsync"/>, if the active release is still the one that the gate compared with: what runs by itself calls this.</summary>
    /// <param name="modelVersion">The release.</param>
    /// <param name="expected">The release that must be active still; null: none.</param>
    /// <returns>Null when another release was activated meanwhile, and nothing was done.</returns>
    public async Task<Activation?> ActivateAfterAsync(
        string modelVersion, string? expected, string actor, string? reason, CancellationToken ct = default)
    {
        try
        {
            return await MoveAsync(
                "activate release", "two_tower.activate_release_after(@version, @expected, @actor, @reason)", modelVersion, "@version",
                [("version", modelVersion), ("expected", expected), ("actor", actor), ("reason", reason)], ReadActivation, ct);
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.ActiveChanged)
        {
            return null;
        }
    }

    /// <summary>Activates the release that was active before this one and still has its vectors.</summary>
    /// <returns>The release that is active now, and the one that was.</returns>
    /// <exception cref="InputException">There is none.</exception>
    public Task<(string ModelVersion, string Previous)> RollbackAsync(string actor, string? reason, CancellationToken ct = default) =>
        MoveAsync(
        "roll back", "two_tower.rollback_release(@actor, @reason)", null, "moved.model_version", [("actor", actor), ("reason", reason)],
        row => (row.Get<string>("model_version"), row.Get<string>("previous_model_version")), ct);

    /// <summary>Moves a release to another state; nothing happens when it is there already.</summary>
    /// <exception cref="InputException">The database refuses the transition, by name.</exception>
    public async Task<Release> TransitionAsync(
        string modelVersion, ReleaseState to, string actor, string? reason, CancellationToken ct = default)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await TransitionAsync(connection, modelVersion, to, actor, reason, ct);
        return await GetAsync(modelVersion, ct);
    }

    /// <summary>The same in the connection's transaction, if it is in one.</summary>
    /// <exception cref="InputException">The database refuses the transition, by name.</exception>
    public static Task TransitionAsync(
        NpgsqlConnection connection, string modelVersion, ReleaseState to, string actor, string? reason, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            await connection.Sql("select two_tower.transition_release(@version, @state, @actor, @reason)")
                .With("version", modelVersion).With("state", ReleaseRow.Name(to)).With("actor", actor).With("reason", reason)
                .ExecuteAsync(ct);
            ReleaseTelemetry.Entered(to);
            return true;
        });

    /// <summary>Chooses how the vectors of a release that isn't embedded yet will be stored.</summary>
    /// <exception cref="InputException">It is past state trained, or the type can't hold its vectors under an index.</exception>
    public Task<Release> SetVectorTypeAsync(string modelVersion, VectorType type, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            await context.Set<Release>().Where(release => release.ModelVersion == modelVersion)
                .ExecuteUpdateAsync(set => set.SetProperty(release => release.VectorType, type), ct);
            return await GetAsync(modelVersion, ct);
        });

    /// <summary>Marks a release as failed, with the reason.</summary>
    public Task<Release> FailAsync(string modelVersion, string actor, string reason, CancellationToken ct = default) =>
        TransitionAsync(modelVersion, ReleaseState.Failed, actor, reason, ct);

    /// <summary>Every change of state of a release, oldest first.</summary>
    public Task<IReadOnlyList<ReleaseTransition>> HistoryAsync(string modelVersion, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<ReleaseTransition>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<ReleaseTransition>()
                .Where(step => EF.Property<string>(step, RegistryEntities.Keys.Version) == modelVersion)
                .OrderBy(step => EF.Property<long>(step, RegistryEntities.Keys.Transition))
                .ToListAsync(ct);
        });

    private static Activation ReadActivation(SqlRow row) => new(row.Get<bool>("changed"), row.GetOrNull<string>("previous_model_version"));

    private static ReleaseFile Checked(string modelVersion, SqlRow row)
    {
        var content = row.GetOrNull<byte[]>("content") ?? throw new ReleaseGoneException(
            $"Release {modelVersion} is retired and its files are freed: activate another release, "
            + "or import its bundle under another version.");
        var file = new ReleaseFile(row.Get<string>("path"), content);
        var (size, sha256) = (row.Get<long>("size"), row.Get<string>("sha256"));
        return content.Length == size && file.Sha256 == sha256
            ? file
            : throw new InputException(
                $"{file.Path} of release {modelVersion} is damaged: {content.Length} bytes with SHA-256 {file.Sha256}, " +
                $"registered were {size} with {sha256}. Activate another release and train or import this one again.");
    }

    // One statement that moves and tells what the span needs: a query after it could fail, and would report a move that has happened as
    // failed.
    private Task<T> MoveAsync<T>(
        string what, string move, string? modelVersion, string target, (string Name, string? Value)[] parameters, Func<SqlRow, T> read,
        CancellationToken ct) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            using var span = ReleaseTelemetry.Begin(what, modelVersion);
            var statement = db.Sql(
                $"select moved.*, {target} as target, (select r.traceparent from two_tower.releases r where r.model_version = {target}) from {move} moved");
            foreach (var (name, value) in parameters) statement.With(name, value);
            var (moved, version, traceParent) = await statement.SingleAsync(
                row => (read(row), row.Get<string>("target"), row.GetOrNull<string>("traceparent")), ct);
            span?.SetTag("twotower.model_version", version);
            span.LinkToTraining(traceParent);
            if (moved is not Activation { Changed: false }) ReleaseTelemetry.Entered(ReleaseState.Active);
            return moved;
        });

    private async Task<Release> SameFilesAsync(string modelVersion, ReleaseFileSet files, CancellationToken ct)
    {
        var there = await FilesAsync(modelVersion, ct);
        if (ModelVersion.ContentHash(there.Select(file => (file.Path, file.Sha256))) != ModelVersion.ContentHash(files.Files))
        {
            throw new InputException($"There is a release {modelVersion} with other files: a release never changes. Give the new one another version.");
        }

        return await GetAsync(modelVersion, ct);
    }

    private static InputException NoSuchRelease(string modelVersion) =>
        new($"There is no release {modelVersion}: 'twotower releases list' names those that there are.");
}
