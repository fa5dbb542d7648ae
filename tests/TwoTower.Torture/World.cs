using System.Globalization;
using Npgsql;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;
using TwoTower.Training;

namespace TwoTower.Torture;

/// <summary>A database with a made-up catalogue, and releases that are really trained and embedded, if only for an epoch.</summary>
internal sealed class World : IAsyncDisposable
{
    private World(string connectionString, NpgsqlDataSource db, TableSet tables)
    {
        (ConnectionString, Db, Tables) = (connectionString, db, tables);
        Store = new(db);
        Viewers =
            [.. tables.Decisions.Where(decision => decision.Type == DecisionType.Like).Select(decision => decision.UserId).Distinct()];
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Db { get; }

    public ReleaseStore Store { get; }

    /// <summary>The rows, as the database gives them back.</summary>
    public TableSet Tables { get; }

    /// <summary>Viewers with likes.</summary>
    public IReadOnlyList<Guid> Viewers { get; }

    /// <summary>What every training here has in common.</summary>
    public static IReadOnlyList<string> Overrides(int dim, int seed) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"model.embedding_dim={dim}"), "model.hidden_dims=[128,64]",
        string.Create(CultureInfo.InvariantCulture, $"seed={seed}"), "training.epochs=2",
    ];

    /// <summary>Fills a database.</summary>
    public static async Task<World> CreateAsync(string connectionString, int viewers, int videos, int seed, CancellationToken ct)
    {
        var db = DataSources.Create(connectionString);
        await Migrator.MigrateAsync(db, null, ct);
        var tables = await Task.Run(() => CatalogueGenerator.Generate(
            new() { Users = viewers, Videos = videos, Seed = seed, Anchor = TimeProvider.System.GetUtcNow() }), ct);
        await new TableWriter(db).WriteAsync(tables, null, ct);
        return new(connectionString, db, await TableReader.ReadAsync(db, ct));
    }

    /// <summary>Another release: trained, embedded, past the gate, ready.</summary>
    public async Task<Release> ReleaseAsync(int dim, int seed, CancellationToken ct)
    {
        var recipe = RecipeReader.Read("v2-fast", Overrides(dim, seed), new Dictionary<string, string>());
        var trained =
            await Task.Run(
                () => TrainJob.RunAsync(new TrainOptions { Recipe = recipe, Database = Db, Device = TrainingDevice.Cpu }, null, ct), ct);
        var version = trained.Release!.ModelVersion;
        await new EmbedJob(Db, TimeProvider.System).RunAsync(version, new EmbedOptions { SyncPublicTable = false, Actor = "torture" }, null, ct);
        return await Store.GetAsync(version, ct);
    }

    /// <summary>The catalogue goes on: fifty videos are new, fifty have another price.</summary>
    public async Task EditAsync(int seed, CancellationToken ct)
    {
        await using var command = Db.CreateCommand(
            """
            with picked as (select id, row_number() over (order by md5(id::text || $1::text)) as n from public.videos),
                added as (
                    insert into public.videos (title, price, duration_seconds, product_released_at, safety_level)
                    select v.title || ' again', v.price, v.duration_seconds, v.product_released_at, v.safety_level
                    from public.videos v join picked p using (id) where p.n <= 50)
            update public.videos v set price = coalesce(v.price, 0) + 1 from picked p where p.id = v.id and p.n between 51 and 100
            """);
        command.Parameters.Add(new() { Value = seed });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>True while a video waits for its vector in the release that is served.</summary>
    public async Task<bool> IsQueuedAsync(CancellationToken ct)
    {
        await using var queued = Db.CreateCommand("select exists (select from two_tower.embedding_queue)");
        if ((bool)(await queued.ExecuteScalarAsync(ct))!) return true;
        if (await Store.GetActiveAsync(ct) is not { } active) return false;
        await using var missing = Db.CreateCommand(
            $"select exists (select from public.videos v where v.is_active and not exists (select from {active.Table} e where e.video_id = v.id))");
        return (bool)(await missing.ExecuteScalarAsync(ct))!;
    }

    public ValueTask DisposeAsync() => Db.DisposeAsync();
}
