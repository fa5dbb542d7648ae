using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Benchmarks.Embedding;

/// <summary>
/// Embeds a made-up catalogue with random towers of the contract's shape (771 inputs, 512, 256): the speed doesn't depend on what the
/// weights have learned.
/// </summary>
internal sealed class EmbeddingBenchmark(NpgsqlDataSource db, int videos, int dim, VectorType type)
{
    private readonly StageTable _stages = new();

    public async Task RunAsync(CancellationToken ct)
    {
        var (release, ids) = await PrepareAsync(ct);
        await PartsAsync(release, ids, ct);

        var options = new EmbedOptions { Activate = true, VectorType = type };
        var result = await new EmbedJob(db, TimeProvider.System).RunAsync(release.ModelVersion, options, ct: ct);
        foreach (var (stage, elapsed) in result.Stages) _stages.Add($"embed: {stage.ToString().ToLowerInvariant()}", videos, elapsed);

        var folder = Directory.CreateTempSubdirectory("twotower-benchmark-").FullName;
        try
        {
            var bundle = Path.Combine(folder, "bundle");
            await _stages.MeasureAsync("export bundle", videos, () => ReleaseExport.WriteAsync(db, null, bundle, TimeProvider.System, ct: ct));
            await _stages.MeasureAsync("read parquet", videos, async () =>
            {
                long rows = 0;
                await foreach (
                    var batch in EmbeddingParquetReader.ReadAsync(
                        Path.Combine(bundle, ArtifactNames.VideoEmbeddings), dim, ct)) rows += batch.VideoIds.Count;
                return rows;
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (var warning in result.Warnings) Console.Error.WriteLine(warning);
        Console.WriteLine(
            $"{videos:N0} videos, {type} of {dim}, {Environment.ProcessorCount} cores, pgvector {(await ReleaseVectors.OpenAsync(db, release, ct)).VectorVersion}, {await SizesAsync(release, ct)}\n");
        Console.WriteLine(_stages);
    }

    private async Task<(Release Release, Guid[] Ids)> PrepareAsync(CancellationToken ct)
    {
        var tables = await _stages.MeasureAsync("generate", videos, () => Task.FromResult(BenchmarkCatalogue.Create(videos)));
        await _stages.MeasureAsync("load tables", videos, async () =>
        {
            await new TableWriter(db).WriteAsync(tables, null, ct);
            return true;
        });

        var items = PayloadBuilder.BuildItems(tables);
        var users = PayloadBuilder.BuildUsers(tables, BenchmarkCatalogue.Now);
        var pipeline = FeaturePipeline.Fit(new(), items, users, items, BenchmarkCatalogue.Now);
        var random = new Random(1);
        var checkpoint = new Checkpoint
        {
            Recipe = new Recipe { Model = new() { EmbeddingDim = dim } },
            Pipeline = pipeline.State,
            User = BenchmarkCatalogue.Tower(random, [pipeline.UserDim, 512, 256, dim]),
            Item = BenchmarkCatalogue.Tower(random, [pipeline.ItemDim, 512, 256, dim]),
            Training = new(0, 0, 0, 0, 0, 0, 0, []),
        };
        var release =
            await new ReleaseStore(db).RegisterAsync(ReleaseFiles.Build(checkpoint, BenchmarkCatalogue.Now), checkpoint.Recipe, ct: ct);
        return (release, [.. tables.Videos.Select(video => video.Id)]);
    }

    // Each part alone, so that it shows which one holds the whole up.
    private async Task PartsAsync(Release release, Guid[] ids, CancellationToken ct)
    {
        var items = await _stages.MeasureAsync("read features, 1 connection", ids.Length, async () =>
        {
            var list = new List<ItemPayload>(ids.Length);
            await foreach (var item in PayloadReader.ReadItemsAsync(db, null, ct)) list.Add(item);
            return list;
        });

        using var tower = ItemTower.FromFiles(await new ReleaseStore(db).OpenAsync(release.ModelVersion, ct));
        var batches = await _stages.MeasureAsync("encode, all cores", ids.Length, () => Task.FromResult(items.Chunk(1000).AsParallel().AsOrdered().Select(chunk =>
        {
            var embeddings = new float[chunk.Length * dim];
            tower.Encode(chunk, embeddings, new long[chunk.Length]);
            return new EmbeddingBatch([.. chunk.Select(item => item.VideoId)], embeddings, dim);
        }).ToList()));

        var scratch = await ReleaseVectors.OpenAsync(db, release with { Id = 999_999, VectorType = type }, ct);
        await using (var connection = await db.OpenConnectionAsync(ct)) await scratch.CreateAsync(connection, ct: ct);
        await _stages.MeasureAsync("COPY, 1 connection", ids.Length, async () =>
        {
            foreach (var batch in batches) await VectorWriter.AddAsync(db, scratch, batch, default, ct);
            return true;
        });
        await using var drop = db.CreateCommand($"drop table {scratch.Table}");
        await drop.ExecuteNonQueryAsync(ct);
    }

    private async Task<string> SizesAsync(Release release, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            $"select 'table ' || pg_size_pretty(pg_table_size('{release.Table}')) || ', index ' || pg_size_pretty(pg_relation_size('two_tower.video_embeddings_{release.Id}_hnsw'))");
        return (string)(await command.ExecuteScalarAsync(ct))!;
    }
}
