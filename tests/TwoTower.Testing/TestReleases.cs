using NpgsqlTypes;
using Pgvector;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Testing;

/// <summary>Releases without a training or an embedder: real towers, real vectors of every video that is there, a real index.</summary>
internal static class TestReleases
{
    /// <summary>Tags as a table of their own, to be made before the migration: videos then have ids of tags and no names.</summary>
    public const string TagTables = """
        create table public.tags (id uuid primary key default gen_random_uuid(), name text not null unique);
        create table public.video_tags (video_id uuid not null, tag_id uuid not null references public.tags, primary key (video_id, tag_id));
        """;

    /// <summary>Loads the golden world's tables.</summary>
    /// <param name="hasTagIds">The database has <see cref="TagTables"/>.</param>
    public static async Task LoadGoldenAsync(TestDatabase db, bool hasTagIds = false)
    {
        await using var connection = await db.DataSource.OpenConnectionAsync();
        if (hasTagIds) await ExecuteAsync("create temp table named_tags (video_id uuid, tag_name text)");
        foreach (var table in new[] { "profiles", "videos", "video_tags", "video_performers", "user_video_decisions" })
        {
            var csv = await File.ReadAllTextAsync(Path.Combine(Golden.Folder, table + ".csv"));
            var columns = csv[..csv.IndexOf('\n', StringComparison.Ordinal)].Trim();
            var target = hasTagIds && table == "video_tags" ? "named_tags" : $"public.{table}";
            await using var copy = await connection.BeginTextImportAsync($"copy {target} ({columns}) from stdin (format csv, header)");
            await copy.WriteAsync(csv);
        }

        if (hasTagIds)
        {
            await ExecuteAsync("""
                insert into public.tags (name) select distinct tag_name from named_tags;
                insert into public.video_tags (video_id, tag_id) select n.video_id, t.id from named_tags n join public.tags t on t.name = n.tag_name;
                """);
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Registers a checkpoint, embeds every video, builds the index and activates it.</summary>
    public static async Task<Release> ActivateAsync(TestDatabase db, Checkpoint checkpoint, DateTimeOffset? exportedAt = null)
    {
        var release = await ReadyAsync(db, checkpoint, exportedAt);
        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "test", null);
        return release;
    }

    /// <summary>Registers a checkpoint, embeds every video and builds the index.</summary>
    /// <param name="foreign">A kind of <see cref="ForeignTowers"/> that its user tower is of; null: its own.</param>
    public static async Task<Release> ReadyAsync(
        TestDatabase db, Checkpoint checkpoint, DateTimeOffset? exportedAt = null, string? foreign = null)
    {
        var store = new ReleaseStore(db.DataSource);
        var files = ReleaseFiles.Build(checkpoint, exportedAt ?? new DateTimeOffset(2026, 1, 20, 0, 0, 0, TimeSpan.Zero));
        if (foreign is not null) files = Foreign(files, ForeignTowers.Write(foreign, checkpoint.User, "user_features"));
        var release = await store.RegisterAsync(files, checkpoint.Recipe);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);

        await FillAsync(db, release, new ReleaseFileSet("test", files));
        await PassGateAsync(db, release.ModelVersion);
        await store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null);
        return await store.GetAsync(release.ModelVersion);
    }

    // Other programs leave no probes.
    private static IReadOnlyList<ReleaseFile> Foreign(IReadOnlyList<ReleaseFile> files, byte[] tower) =>
    [
        .. files.Where(file => file.Path != ArtifactNames.Probes)
            .Select(file => file.Path == ArtifactNames.UserTower ? new ReleaseFile(file.Path, tower) : file),
    ];

    /// <summary>Makes a release's table with the vectors that some files' item tower gives for every video.</summary>
    public static async Task FillAsync(TestDatabase db, Release release, ReleaseFileSet files)
    {
        using var tower = ItemTower.FromFiles(files);
        var items = (await db.ListAsync<string>(
            "select payload::text from two_tower.item_payloads(array(select id from videos)) p order by video_id")).Select(ItemPayload.Parse).ToList();
        var vectors = new float[items.Count * tower.EmbeddingDim];
        tower.Encode(items, vectors);
        await WriteAsync(db, release, [.. items.Select(item => item.VideoId)], vectors);
    }

    /// <summary>Records that the gate passed a release, which no test here asked: without it nothing becomes ready.</summary>
    public static Task PassGateAsync(TestDatabase db, string modelVersion) =>
        db.ExecuteAsync($"select two_tower.record_gate_run('{modelVersion}', true, 'test')");

    /// <summary>Makes a release's table with its index and fills it. <paramref name="vectors"/>: row-major, one row an id.</summary>
    public static async Task WriteAsync(TestDatabase db, Release release, IReadOnlyList<Guid> ids, float[] vectors)
    {
        var schema = await db.ScalarAsync<string>(
            "select quote_ident(n.nspname) from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname = 'vector'");
        var type = $"{schema}.{(release.VectorType == VectorType.HalfVec ? "halfvec" : "vector")}";
        await db.ExecuteAsync($"""
            create table {release.Table} (
              video_id uuid primary key, embedding {type}({release.EmbeddingDim}) not null, feature_hash bigint, updated_at timestamptz default now());
            """);
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using (var copy = await connection.BeginBinaryImportAsync($"copy {release.Table} (video_id, embedding) from stdin (format binary)"))
        {
            for (var i = 0; i < ids.Count; i++)
            {
                var vector = vectors.AsMemory(i * release.EmbeddingDim, release.EmbeddingDim);
                await copy.StartRowAsync();
                await copy.WriteAsync(ids[i], NpgsqlDbType.Uuid);
                if (release.VectorType == VectorType.HalfVec)
                {
                    await copy.WriteAsync(new HalfVector(Array.ConvertAll(vector.ToArray(), value => (Half)value)));
                }
                else
                {
                    await copy.WriteAsync(new Vector(vector));
                }
            }

            await copy.CompleteAsync();
        }

        await db.ExecuteAsync($"create index on {release.Table} using hnsw (embedding {type}_ip_ops); analyze {release.Table}");
    }
}
