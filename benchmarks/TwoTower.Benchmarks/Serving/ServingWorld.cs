using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;

namespace TwoTower.Benchmarks.Serving;

/// <summary>
/// A made-up catalogue with an active release. Its towers aren't trained, but share the weights of tags and performers and everything
/// above, so that a user's vector lies among the videos that share tags with the likes, as a trained one does.
/// </summary>
/// <param name="Release">The active release.</param>
/// <param name="Users">Users with likes.</param>
internal sealed record ServingWorld(Release Release, IReadOnlyList<Guid> Users)
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static async Task<ServingWorld> CreateAsync(NpgsqlDataSource db, int videos, int userCount, CancellationToken ct)
    {
        var stages = new StageTable();
        var tables = await stages.MeasureAsync("generate", videos, () => Task.FromResult(
            CatalogueGenerator.Generate(new GeneratorOptions { Videos = videos, Users = userCount, Anchor = Now })));
        await stages.MeasureAsync("load tables", videos, async () =>
        {
            await new TableWriter(db).WriteAsync(tables, null, ct);
            return true;
        });

        var items = PayloadBuilder.BuildItems(tables);
        var users = PayloadBuilder.BuildUsers(tables, Now);
        var pipeline = FeaturePipeline.Fit(new(), items, users, items, Now);
        var (user, item) = Towers(pipeline, 256);
        var checkpoint = new Checkpoint
        {
            Recipe = new(),
            Pipeline = pipeline.State,
            User = user,
            Item = item,
            Training = new(0, 0, 0, 0, 0, 0, 0, []),
        };
        var release = await new ReleaseStore(db).RegisterAsync(ReleaseFiles.Build(checkpoint, Now), checkpoint.Recipe, ct: ct);
        var embedded = await new EmbedJob(db, TimeProvider.System).RunAsync(
            release.ModelVersion, new EmbedOptions { Activate = true, SyncPublicTable = false }, ct: ct);
        foreach (var (stage, elapsed) in embedded.Stages) stages.Add($"embed: {stage.ToString().ToLowerInvariant()}", videos, elapsed);
        await new VideoStatistics(db).RefreshAsync(ct);
        await using (var analyze = db.CreateCommand("vacuum analyze")) await analyze.ExecuteNonQueryAsync(ct);

        var liked =
            tables.Decisions.Where(decision => decision.Type == DecisionType.Like).Select(decision => decision.UserId).Distinct().ToList();
        Console.Error.WriteLine($"{tables.Decisions.Count:N0} decisions of {liked.Count:N0} users");
        return new(await new ReleaseStore(db).GetAsync(release.ModelVersion, ct), liked);
    }

    private static (TowerWeights User, TowerWeights Item) Towers(FeaturePipeline pipeline, int dim)
    {
        var random = new Random(1);
        var shared = pipeline.UserDim - FeaturePipeline.UserDenseDim;
        var names = Matrix(random, 512, shared, 3);
        LinearWeights[] above =
            [new(512, 256, Matrix(random, 256, 512, 1), new float[256]), new(256, dim, Matrix(random, dim, 256, 1), new float[dim])];
        return (
            new([First(random, FeaturePipeline.UserDenseDim, names, shared), .. above]),
            new([First(random, pipeline.ItemDenseDim, names, shared), .. above]));
    }

    // The dense numbers weigh little, so that they scatter the vectors and don't rule them.
    private static LinearWeights First(Random random, int denseDim, float[] names, int shared)
    {
        var dense = Matrix(random, 512, denseDim, 0.1);
        var weight = new float[512 * (denseDim + shared)];
        for (var row = 0; row < 512; row++)
        {
            dense.AsSpan(row * denseDim, denseDim).CopyTo(weight.AsSpan(row * (denseDim + shared)));
            names.AsSpan(row * shared, shared).CopyTo(weight.AsSpan(row * (denseDim + shared) + denseDim));
        }

        return new(denseDim + shared, 512, weight, new float[512]);
    }

    private static float[] Matrix(Random random, int rows, int columns, double scale)
    {
        var bound = scale * Math.Sqrt(3.0 / columns);
        return [.. Enumerable.Range(0, rows * columns).Select(_ => (float)((random.NextDouble() * 2 - 1) * bound))];
    }
}
