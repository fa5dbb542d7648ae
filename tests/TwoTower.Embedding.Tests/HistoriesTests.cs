using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>A release whose user tower reads histories, from its files to a request, in the golden world.</summary>
public sealed class HistoriesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Half = 6;

    // History vectors are stored in half precision.
    private const double Tolerance = 2e-3;

    private static readonly EmbedOptions Options = new() { ChunkRows = 50, Workers = 2, Activate = true };
    private static readonly TableSet Tables = CsvTableReader.Read(Golden.Folder);
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TestReleases.LoadGoldenAsync(_db);
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<Release> ActivateAsync(bool rpc = true, int most = 5_000)
    {
        var checkpoint = TestCheckpoints.Histories([.. Tables.Videos.Select(video => video.Id)], half: Half, useRpcFeatures: rpc);
        checkpoint =
            checkpoint with { Recipe = checkpoint.Recipe with { Features = checkpoint.Recipe.Features with { MaxDecisions = most } } };
        var release = await _store.RegisterAsync(ReleaseFiles.Build(checkpoint, Golden.AsOf.AddMinutes(rpc ? 1 : 2)), checkpoint.Recipe);
        await new EmbedJob(_db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Options);
        return await _store.GetAsync(release.ModelVersion);
    }

    private async Task<HistoryPool> PoolAsync(Release release)
    {
        using var tower = ItemTower.FromFiles(await _store.OpenAsync(release.ModelVersion));
        Assert.Equal(2 * Half, tower.HistoryDim);
        var items = PayloadBuilder.BuildItems(Tables);
        var (embeddings, histories) = (new float[items.Count * tower.EmbeddingDim], new float[items.Count * tower.HistoryDim]);
        tower.Encode(items, embeddings, default, histories);
        return new(items.Select((item, row) => (item.VideoId, row)).ToDictionary(pair => pair.VideoId, pair => pair.row), histories, Half);
    }

    [Theory]
    [InlineData(true, 5_000)]
    [InlineData(false, 5_000)]
    [InlineData(true, 4)]
    [InlineData(false, 4)]
    public async Task A_request_reads_the_sums_that_the_towers_vectors_give_in_process(bool rpc, int most)
    {
        var release = await ActivateAsync(rpc, most);
        Assert.Equal(ReleaseState.Active, release.State);
        var pool = await PoolAsync(release);
        using var tower = UserTower.FromFiles(await _store.OpenAsync(release.ModelVersion));
        using var gate = await HistoryEncoder.OpenAsync(_db.DataSource, release, await _store.OpenAsync(release.ModelVersion));
        var (seen, noped) = (0, 0);
        foreach (var asOf in new[] { Golden.AsOf, Golden.AsOf.AddDays(-60) })
        {
            foreach (var history in PayloadBuilder.Histories(Tables))
            {
                var context = await RequestContext.ReadAsync(_db.DataSource, history.UserId, asOf, default);
                if (context.LikeCount == 0) continue;
                var (expected, actual) = (pool.Pool(history.Latest(asOf, most), asOf), context.Payload!.History!);
                Assert.InRange(context.Payload.DecisionStats.DecisionCount, 1, most);
                Assert.Equal((expected.Likes, expected.Nopes), (actual.Likes, actual.Nopes));
                Same(expected.Liked, actual.Liked);
                Same(expected.Noped, actual.Noped);
                var embedding = new float[tower.EmbeddingDim];
                gate.Encode(history, asOf, embedding);
                Same(tower.Encode(context.Payload!, asOf), embedding);
                seen++;
                noped += actual.Nopes;
            }
        }

        Assert.True(seen > 60 && noped > 40, $"{seen} {noped}");
    }

    [Fact]
    public async Task The_features_for_a_model_have_its_history_and_of_any_other_model_none()
    {
        var release = await ActivateAsync();
        var plain = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        var user = Tables.Decisions.First(decision => decision.Type == DecisionType.Like).UserId;
        async Task<UserPayload> Read(string version) => UserPayload.Parse(
            await _db.ScalarAsync<string>($"select get_user_embedding_features('{user}', '{Golden.AsOf:O}', '{version}')::text"));

        Assert.Equal(Half, (await Read(release.ModelVersion)).History!.Liked.Length);
        Assert.Null((await Read(plain.ModelVersion)).History);
        Assert.Null((await Read("no-such-model")).History);
        Assert.Equal((await Read(plain.ModelVersion)).DecisionStats, (await Read(release.ModelVersion)).DecisionStats);
    }

    [Fact]
    public async Task Of_two_decisions_on_a_video_the_later_one_counts_and_an_unknown_video_doesnt()
    {
        var release = await ActivateAsync();
        await _db.ExecuteAsync($"""
            insert into user_video_decisions (user_id, video_id, decision_type, created_at) values
              ('00000000-0000-0000-0000-0000000000bb', '{Tables.Videos[0].Id}', 'like', '2025-01-01Z'),
              ('00000000-0000-0000-0000-0000000000bb', '{Tables.Videos[0].Id}', 'nope', '2025-01-02Z'),
              ('00000000-0000-0000-0000-0000000000bb', '{Tables.Videos[1].Id}', 'nope', '2025-01-03Z'),
              ('00000000-0000-0000-0000-0000000000bb', '{Tables.Videos[1].Id}', 'like', '2025-01-03Z'),
              ('00000000-0000-0000-0000-0000000000bb', gen_random_uuid(), 'like', '2025-01-03Z')
            """);
        async Task<string> Counts(string asOf) => await _db.ScalarAsync<string>(
            $"select (history->>'likes') || ' ' || (history->>'nopes') from two_tower.pooled_histories(array['00000000-0000-0000-0000-0000000000bb'::uuid], '{asOf}', '{release.ModelVersion}')");
        Assert.Equal("1 0", await Counts("2025-01-01Z"));
        Assert.Equal("0 1", await Counts("2025-01-02Z"));
        Assert.Equal("1 1", await Counts("2025-01-03Z"));
        Assert.Equal("0 0", await Counts("2024-01-01Z"));
    }

    [Fact]
    public async Task A_bundle_is_embedded_where_it_is_imported_and_gives_the_same_recommendations()
    {
        var release = await ActivateAsync();
        var bundle = Path.Combine(_folder.Path, "bundle");
        await ReleaseExport.WriteAsync(_db.DataSource, release.ModelVersion, bundle, TimeProvider.System);
        await using var elsewhere = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(elsewhere);
        var result = await new ImportBundleJob(elsewhere.DataSource, TimeProvider.System).RunAsync(bundle, Options);

        Assert.True(result.Activated);
        Assert.Equal(Tables.Videos.Count, result.Videos);
        var vectors = $"select string_agg(video_id || embedding::text || history::text, ',' order by video_id) from {release.Table}";
        Assert.Equal(await _db.ScalarAsync<string>(vectors), await elsewhere.ScalarAsync<string>(vectors));
    }

    [Fact]
    public async Task A_history_tower_of_another_model_is_refused_by_the_gate()
    {
        Guid[] videos = [.. Tables.Videos.Select(video => video.Id)];
        var checkpoint = TestCheckpoints.Histories(videos, half: Half);
        var other =
            ReleaseFiles.Build(TestCheckpoints.Histories(videos, half: Half, seed: 2), Golden.AsOf).Single(
                file => file.Path == ArtifactNames.HistoryTower);
        var release = await _store.RegisterAsync(
            [.. ReleaseFiles.Build(checkpoint, Golden.AsOf).Select(file => file.Path == other.Path ? other : file)], checkpoint.Recipe);
        var error =
            await Assert.ThrowsAsync<Core.InputException>(
                () => new EmbedJob(_db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Options));
        Assert.Contains("the item tower isn't the one that was trained", error.Message, StringComparison.Ordinal);
        Assert.Null(await _store.GetActiveAsync());
    }

    private static void Same(float[] expected, float[] actual) =>
        Close.Equal([.. expected.Select(x => (double)x)], [.. actual.Select(x => (double)x)], "history", Tolerance);
}
