using System.Data;
using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

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

        await using var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
        await using (var who = new NpgsqlCommand("select set_config('two_tower.actor', $1, true), set_config('two_tower.reason', $2, true)", connection, transaction))
        {
            who.Parameters.Add(new() { Value = actor });
            who.Parameters.Add(new() { Value = imported ? "imported" : $"trained by recipe {recipe}" });
            await who.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        }

        await using var insert = new NpgsqlCommand(
            """
            insert into two_tower.releases (model_version, origin, recipe, embedding_dim, vector_type, config, metrics, traceparent)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (model_version) do nothing
            returning release_id
            """, connection, transaction)
        {
            Parameters =
            {
                new() { Value = modelVersion },
                new() { Value = imported ? "imported" : "trained" },
                new() { Value = (object?)recipe ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = dim },
                new() { Value = ReleaseRow.Name(vectorType) },
                new() { Value = meta.Config is { ValueKind: JsonValueKind.Object } config ? config.GetRawText() : "{}", NpgsqlDbType = NpgsqlDbType.Jsonb },
                new() { Value = metricsJson, NpgsqlDbType = NpgsqlDbType.Jsonb },
                new() { Value = (object?)origin ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        if (await insert.ExecuteScalarAsync(ct).ConfigureAwait(false) is not long id)
        {
            await transaction.RollbackAsync(ct).ConfigureAwait(false);
            return await SameFilesAsync(modelVersion, files, ct).ConfigureAwait(false);
        }

        foreach (var file in files.Files)
        {
            await using var command = new NpgsqlCommand(
                "insert into two_tower.release_files (release_id, path, sha256, size, content) values ($1, $2, $3, $4, $5)",
                connection, transaction)
            {
                Parameters =
                {
                    new() { Value = id }, new() { Value = file.Path }, new() { Value = file.Sha256 },
                    new() { Value = (long)file.Content.Length }, new() { Value = file.Content },
                },
            };
            await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        }

        await transaction.CommitAsync(ct).ConfigureAwait(false);
        ReleaseTelemetry.Entered(ReleaseState.Trained);
        return await GetAsync(modelVersion, ct).ConfigureAwait(false);
    });

    /// <summary>All releases, newest first.</summary>
    public Task<IReadOnlyList<Release>> ListAsync(CancellationToken ct = default) => ReleaseErrors.ExplainAsync(() =>
        ReadAsync($"select {ReleaseRow.Columns} from two_tower.releases r order by r.release_id desc", [], ct));

    /// <summary>The release that is served; null with none.</summary>
    public Task<Release?> GetActiveAsync(CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
        (await ReadAsync(
            $"select {ReleaseRow.Columns} from two_tower.active_release a join two_tower.releases r using (release_id)", [], ct)
            .ConfigureAwait(false)).SingleOrDefault());

    /// <summary>A release by its version; null when there is none.</summary>
    public Task<Release?> FindAsync(string modelVersion, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
        (await ReadAsync($"select {ReleaseRow.Columns} from two_tower.releases r where r.model_version = $1", [modelVersion], ct)
            .ConfigureAwait(false)).SingleOrDefault());

    /// <summary>A release by its version.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public async Task<Release> GetAsync(string modelVersion, CancellationToken ct = default) =>
        await FindAsync(modelVersion, ct).ConfigureAwait(false) ?? throw NoSuchRelease(modelVersion);

    /// <summary>The files of a release, every hash verified.</summary>
    /// <exception cref="InputException">There is no such release, or a file isn't what was registered.</exception>
    /// <exception cref="ReleaseGoneException">It is retired, and its files are freed.</exception>
    public Task<ReleaseFileSet> OpenAsync(string modelVersion, CancellationToken ct = default) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var command = db.CreateCommand(
            """
            select f.path, f.sha256, f.size, f.content, r.traceparent
            from two_tower.releases r join two_tower.release_files f using (release_id)
            where r.model_version = $1 order by f.path
            """);
        command.Parameters.Add(new() { Value = modelVersion });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var files = new List<ReleaseFile>();
        string? traceParent = null;
        while (await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            if (reader.IsDBNull(3)) throw new ReleaseGoneException($"Release {modelVersion} is retired and its files are freed: activate another release, or import its bundle under another version.");
            var file = new ReleaseFile(reader.GetString(0), reader.GetFieldValue<byte[]>(3));
            if (file.Content.Length != reader.GetInt64(2) || file.Sha256 != reader.GetString(1))
            {
                throw new InputException(
                    $"{file.Path} of release {modelVersion} is damaged: {file.Content.Length} bytes with SHA-256 {file.Sha256}, " +
                    $"registered were {reader.GetInt64(2)} with {reader.GetString(1)}. Activate another release and train or import this one again.");
            }

            files.Add(file);
            traceParent = reader.IsDBNull(4) ? null : reader.GetString(4);
        }

        return files.Count > 0 ? new ReleaseFileSet($"release {modelVersion}", files) { TraceParent = traceParent } : throw NoSuchRelease(modelVersion);
    });

    /// <summary>What the files of a release are, whether their bytes are there or freed; ordered by path.</summary>
    public Task<IReadOnlyList<StoredFile>> FilesAsync(string modelVersion, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<StoredFile>>(async () =>
        {
            await using var command = db.CreateCommand(
                """
                select f.path, f.sha256, f.size, f.content is null
                from two_tower.releases r join two_tower.release_files f using (release_id)
                where r.model_version = $1 order by f.path
                """);
            command.Parameters.Add(new() { Value = modelVersion });
            await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var files = new List<StoredFile>();
            while (await row.ReadAsync(ct).ConfigureAwait(false)) files.Add(new(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetBoolean(3)));
            return files;
        });

    /// <summary>Makes a ready release the one that is served; the one before goes back to ready. One short transaction.</summary>
    /// <exception cref="InputException">There is no such release, or it isn't ready.</exception>
    public Task<Activation> ActivateAsync(string modelVersion, string actor, string? reason, CancellationToken ct = default) => MoveAsync(
        "activate release", "two_tower.activate_release($1, $2, $3)", modelVersion, "$1", [modelVersion, actor, reason], ReadActivation, ct);

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
                "activate release", "two_tower.activate_release_after($1, $2, $3, $4)", modelVersion, "$1", [modelVersion, expected, actor, reason],
                ReadActivation, ct).ConfigureAwait(false);
        }
        catch (InputException e) when (e.InnerException is PostgresException { SqlState: "TT105" })
        {
            return null;
        }
    }

    /// <summary>Activates the release that was active before this one and still has its vectors.</summary>
    /// <returns>The release that is active now, and the one that was.</returns>
    /// <exception cref="InputException">There is none.</exception>
    public Task<(string ModelVersion, string Previous)> RollbackAsync(string actor, string? reason, CancellationToken ct = default) => MoveAsync(
        "roll back", "two_tower.rollback_release($1, $2)", null, "moved.model_version", [actor, reason],
        row => (row.GetString("model_version"), row.GetString("previous_model_version")), ct);

    /// <summary>Moves a release to another state; nothing happens when it is there already.</summary>
    /// <exception cref="InputException">The database refuses the transition, by name.</exception>
    public async Task<Release> TransitionAsync(string modelVersion, ReleaseState to, string actor, string? reason, CancellationToken ct = default)
    {
        await using var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await TransitionAsync(connection, modelVersion, to, actor, reason, ct).ConfigureAwait(false);
        return await GetAsync(modelVersion, ct).ConfigureAwait(false);
    }

    /// <summary>The same in the connection's transaction, if it is in one.</summary>
    /// <exception cref="InputException">The database refuses the transition, by name.</exception>
    public static Task TransitionAsync(
        NpgsqlConnection connection, string modelVersion, ReleaseState to, string actor, string? reason, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            await using var command = new NpgsqlCommand("select two_tower.transition_release($1, $2, $3, $4)", connection);
            command.Parameters.Add(new() { Value = modelVersion });
            command.Parameters.Add(new() { Value = ReleaseRow.Name(to) });
            command.Parameters.Add(new() { Value = actor });
            command.Parameters.Add(new() { Value = (object?)reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            await command.ExecuteScalarAsync(ct).ConfigureAwait(false);
            ReleaseTelemetry.Entered(to);
            return true;
        });

    /// <summary>Chooses how the vectors of a release that isn't embedded yet will be stored.</summary>
    /// <exception cref="InputException">It is past state trained, or the type can't hold its vectors under an index.</exception>
    public Task<Release> SetVectorTypeAsync(string modelVersion, VectorType type, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            await using var command = db.CreateCommand("update two_tower.releases set vector_type = $2 where model_version = $1");
            command.Parameters.Add(new() { Value = modelVersion });
            command.Parameters.Add(new() { Value = ReleaseRow.Name(type) });
            await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
            return await GetAsync(modelVersion, ct).ConfigureAwait(false);
        });

    /// <summary>Marks a release as failed, with the reason.</summary>
    public Task<Release> FailAsync(string modelVersion, string actor, string reason, CancellationToken ct = default) =>
        TransitionAsync(modelVersion, ReleaseState.Failed, actor, reason, ct);

    /// <summary>Every change of state of a release, oldest first.</summary>
    public Task<IReadOnlyList<ReleaseTransition>> HistoryAsync(string modelVersion, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<ReleaseTransition>>(async () =>
        {
            await using var command = db.CreateCommand(
                "select from_state, to_state, at, actor, reason from two_tower.release_transitions where model_version = $1 order by transition_id");
            command.Parameters.Add(new() { Value = modelVersion });
            await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var history = new List<ReleaseTransition>();
            while (await row.ReadAsync(ct).ConfigureAwait(false))
            {
                history.Add(new(
                    row.IsDBNull(0) ? null : ReleaseRow.State(row.GetString(0)), ReleaseRow.State(row.GetString(1)),
                    row.GetFieldValue<DateTimeOffset>(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4)));
            }

            return history;
        });

    private static Activation ReadActivation(NpgsqlDataReader row) =>
        new(row.GetBoolean("changed"), row.IsDBNull("previous_model_version") ? null : row.GetString("previous_model_version"));

    // One statement that moves and tells what the span needs: a query after it could fail, and would report a move that has happened as failed.
    private Task<T> MoveAsync<T>(
        string what, string move, string? modelVersion, string target, string?[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken ct) =>
        ReleaseErrors.ExplainAsync(async () =>
        {
            using var span = ReleaseTelemetry.Begin(what, modelVersion);
            await using var command = db.CreateCommand(
                $"select moved.*, {target} as target, (select r.traceparent from two_tower.releases r where r.model_version = {target}) from {move} moved");
            foreach (var parameter in parameters) command.Parameters.Add(new() { Value = (object?)parameter ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            T moved;
            await using (var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false))
            {
                await row.ReadAsync(ct).ConfigureAwait(false);
                moved = read(row);
                span?.SetTag("twotower.model_version", row.GetString("target"));
                span.LinkToTraining(row.IsDBNull("traceparent") ? null : row.GetString("traceparent"));
            }

            if (moved is not Activation { Changed: false }) ReleaseTelemetry.Entered(ReleaseState.Active);
            return moved;
        });

    private async Task<Release> SameFilesAsync(string modelVersion, ReleaseFileSet files, CancellationToken ct)
    {
        var there = await FilesAsync(modelVersion, ct).ConfigureAwait(false);
        if (ModelVersion.ContentHash(there.Select(file => (file.Path, file.Sha256))) != ModelVersion.ContentHash(files.Files))
        {
            throw new InputException($"There is a release {modelVersion} with other files: a release never changes. Give the new one another version.");
        }

        return await GetAsync(modelVersion, ct).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<Release>> ReadAsync(string sql, object[] parameters, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(new() { Value = parameter });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var releases = new List<Release>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false)) releases.Add(ReleaseRow.Read(reader));
        return releases;
    }

    private static InputException NoSuchRelease(string modelVersion) =>
        new($"There is no release {modelVersion}: 'twotower releases list' names those that there are.");
}
