using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Gate;

/// <summary>What the gate refuses, and that it says why, with the numbers.</summary>
public sealed class ReleaseGateTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TasteWorld.InsertAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private static ReleaseFile[] Files(int seed = 1) =>
        [.. ReleaseFiles.Build(TestCheckpoints.Random(seed: seed), Golden.AsOf.AddMinutes(seed))];

    private Task<GateReport> GateAsync(Release release, GateOptions? options = null) =>
        new ReleaseGate(_db.DataSource, options ?? new()).RunAsync(release, null, "test");

    /// <summary>Registers files as they are, with the vectors that a sound release would have.</summary>
    private async Task<Release> EmbedAsync(IReadOnlyList<ReleaseFile> files, ReleaseFile[]? sound = null)
    {
        var release = await _store.RegisterAsync("v2-test", new ReleaseFileSet("test", files), "v2", null, imported: false, VectorType.Vector, "test");
        release = await _store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
        await TestReleases.FillAsync(_db, release, new ReleaseFileSet("sound", sound ?? Files()));
        return release;
    }

    private static ReleaseFile[] With(ReleaseFile[] files, string path, byte[] content) =>
        [.. files.Select(file => file.Path == path ? new ReleaseFile(path, content) : file)];

    private async Task RefusedAsync(Release release, string check, string reason)
    {
        var report = await GateAsync(release);
        Assert.False(report.Passed);
        Assert.Contains(reason, report.Reason, StringComparison.Ordinal);
        Assert.Equal(check, report.Checks.First(c => !c.Passed).Name);
        var run = (await GateRuns.ReadAsync(_db.DataSource, release.ModelVersion))[0];
        Assert.Equal((report.Run, false, report.Reason, "test"), (run.Run, run.Passed, run.Reason, run.Actor));
        var error = await Assert.ThrowsAsync<InputException>(() => _store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null));
        Assert.Contains("cannot become ready: the gate has not passed it", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sound_release_passes_every_check_and_then_becomes_ready()
    {
        var release = await EmbedAsync(Files());
        var report = await GateAsync(release);
        Assert.True(report.Passed, report.Reason);
        Assert.Equal(["files", "weights", "networks", "probes", "vectors", "agreement", "quality"], report.Checks.Select(check => check.Name));
        Assert.Contains("the item tower gives the stored vectors of 200 of 200 videos", report.Checks[5].Detail, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Ready, (await _store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", null)).State);
        var numbers = (await GateRuns.ReadAsync(_db.DataSource, release.ModelVersion))[0].Numbers;
        Assert.Equal(7, numbers.GetProperty("checks").GetArrayLength());
        Assert.Equal(0.05, numbers.GetProperty("options").GetProperty("margin").GetDouble());
    }

    [Fact]
    public async Task A_flipped_byte_is_refused_by_its_hash()
    {
        var release = await EmbedAsync(Files());
        await _db.ExecuteAsync(
            """
            alter table two_tower.release_files disable trigger guard_release_file;
            alter table two_tower.release_files drop constraint release_files_check1;
            update two_tower.release_files set content = set_byte(content, 1000, get_byte(content, 1000) # 1) where path = 'item_tower.onnx';
            """);
        await RefusedAsync(release, "files", "item_tower.onnx of release v2-test is damaged");
    }

    [Fact]
    public async Task A_calibration_that_would_turn_the_order_round_is_refused()
    {
        var checkpoint = TestCheckpoints.Random() with { Calibration = new(5, 0, 1, 6, 4, 120, 1_900, 1_200) };
        ReleaseFile[] files = [.. ReleaseFiles.Build(checkpoint, Golden.AsOf)];
        var turned = checkpoint.Calibration with { Slope = -5 };
        await RefusedAsync(await EmbedAsync(With(files, "calibration.json", turned.ToJson())), "networks", "calibration.json: slope is -5; it must be above 0");
    }

    [Fact]
    public async Task A_byte_that_was_flipped_before_it_was_hashed_is_refused_by_the_probes()
    {
        var files = Files();
        var network = files.Single(file => file.Path == ArtifactNames.UserTower).Content.ToArray();
        network[2000] ^= 0x40; // in the first layer's weights; an exponent's bit in one of four bytes
        network[2001] ^= 0x40;
        network[2002] ^= 0x40;
        network[2003] ^= 0x40;
        await RefusedAsync(await EmbedAsync(With(files, ArtifactNames.UserTower, network)), "probes", "the user tower isn't the one that was trained");
    }

    [Fact]
    public async Task A_truncated_file_is_refused()
    {
        var files = Files();
        var network = files.Single(file => file.Path == ArtifactNames.UserTower).Content;
        await RefusedAsync(await EmbedAsync(With(files, ArtifactNames.UserTower, network[..(network.Length / 2)])), "weights", "user_tower.onnx is not an ONNX network");
    }

    [Fact]
    public async Task A_NaN_weight_is_refused_by_the_tensor_it_is_in()
    {
        var checkpoint = TestCheckpoints.Random();
        var layer = checkpoint.User.Layers[1];
        var broken = checkpoint with
        {
            User = new(
                [checkpoint.User.Layers[0],
                    layer with { Weight = [.. layer.Weight[..5], float.NaN, float.PositiveInfinity, .. layer.Weight[7..]] },
                    checkpoint.User.Layers[2]]),
        };
        await RefusedAsync(
            await EmbedAsync(ReleaseFiles.Build(broken, Golden.AsOf)), "weights", $"user_tower.onnx: 2 of {layer.Weight.Length} numbers of l2.weight aren't finite");
    }

    [Fact]
    public async Task A_missing_embedding_is_refused_by_the_video()
    {
        var release = await EmbedAsync(Files());
        await _db.ExecuteAsync($"delete from {release.Table} where video_id = '{TestVideos.Id(42)}'");
        await RefusedAsync(release, "vectors", $"1 of 200 videos have no vector, such as {TestVideos.Id(42)}");

        // A video that is gone, too, is nobody's fault.
        await _db.ExecuteAsync($"delete from public.videos where id = '{TestVideos.Id(42)}'");
        Assert.True((await GateAsync(release)).Passed);
    }

    [Fact]
    public async Task A_video_that_came_after_embedding_began_needs_no_vector_yet()
    {
        var release = await EmbedAsync(Files());
        await TestVideos.InsertAsync(_db, 500, 505);
        await _db.ExecuteAsync($"update public.videos set created_at = clock_timestamp() + interval '1 second' where id >= '{TestVideos.Id(500)}'");
        Assert.True((await GateAsync(release)).Passed);
        await _db.ExecuteAsync($"update public.videos set created_at = '2020-01-01Z' where id = '{TestVideos.Id(503)}'");
        await RefusedAsync(release, "vectors", $"1 of 201 videos have no vector, such as {TestVideos.Id(503)}");
    }

    [Fact]
    public async Task Towers_that_were_exchanged_are_refused()
    {
        var files = Files();
        byte[] Content(string path) => files.Single(file => file.Path == path).Content;
        await RefusedAsync(
            await EmbedAsync(
                With(With(files, ArtifactNames.UserTower, Content(ArtifactNames.ItemTower)), ArtifactNames.ItemTower,
                    Content(ArtifactNames.UserTower))),
            "networks", "user_tower.onnx of release v2-test has the inputs item_features");
    }

    [Theory]
    [InlineData(ArtifactNames.UserTower, "the user tower isn't the one that was trained: 32 of 32 probes give other embeddings")]
    [InlineData(ArtifactNames.ItemTower, "the item tower isn't the one that was trained: 32 of 32 probes give other embeddings")]
    [InlineData(ArtifactNames.Normalizer, "the user tower isn't the one that was trained")]
    public async Task A_file_of_another_training_is_refused_by_the_probes(string path, string reason)
    {
        var checkpoint = TestCheckpoints.Random(seed: 2);
        var other = ReleaseFiles.Build(
            checkpoint with
            {
                Pipeline =
                checkpoint.Pipeline with
                {
                    UserNumeric =
                    [.. checkpoint.Pipeline.UserNumeric.Select(n => n with { Mean = n.Mean + n.Std })]
                }
            }, Golden.AsOf);
        await RefusedAsync(await EmbedAsync(With(Files(), path, other.Single(file => file.Path == path).Content)), "probes", reason);
    }

    [Fact]
    public async Task Vectors_of_another_model_are_refused()
    {
        await RefusedAsync(await EmbedAsync(Files(1), sound: Files(2)), "agreement", "the item tower gives other vectors than the stored ones for 200 of 200 videos");
    }

    [Fact]
    public async Task A_video_that_changed_since_it_was_embedded_is_no_fault_and_a_vector_that_changed_is()
    {
        var release = await EmbedAsync(Files());
        await _db.ExecuteAsync($"update {release.Table} set feature_hash = 1; update public.videos set price = 4000 where id < '{TestVideos.Id(150)}'");
        Assert.True((await GateAsync(release)).Passed);
    }

    [Fact]
    public async Task A_table_of_a_wrong_dimension_is_refused()
    {
        var release = await EmbedAsync(Files());
        await _db.ExecuteAsync(
            $"alter table {release.Table} drop column embedding; alter table {release.Table} add embedding vector(8) not null default array_fill(0.35355339, array[8])::vector");
        await RefusedAsync(release, "vectors", "the vectors are vector(8), the release says vector(16)");
    }

    [Fact]
    public async Task Networks_of_a_wrong_dimension_are_refused()
    {
        var files = Files();
        var meta = ModelMeta.Parse(files.Single(file => file.Path == ArtifactNames.ModelMeta).Content, "meta") with { EmbeddingDim = 32 };
        var release = await _store.RegisterAsync(
            "v2-test", new ReleaseFileSet("test", With(files, ArtifactNames.ModelMeta, meta.ToJson())), "v2", null, false, VectorType.Vector, "test");
        await _store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
        await RefusedAsync(release, "networks", "says embedding_dim 16, model_meta.json says 32");
    }

    [Fact]
    public async Task A_release_that_is_worse_than_the_live_one_is_refused_with_both_numbers()
    {
        var live = await TestReleases.ActivateAsync(_db, TasteWorld.Checkpoint());
        var worse = await TestReleases.ReadyAsync(_db, TasteWorld.Checkpoint(shift: 3), Golden.AsOf.AddHours(1));
        var report = await GateAsync(worse);
        Assert.False(report.Passed);
        Assert.Equal(live.ModelVersion, report.ComparedWith);
        Assert.Matches($"^worse than {live.ModelVersion}: recall@20 0\\.[0-9]+ against 1\\.0000 \\(difference -[0-9.]+, allowed -0\\.[0-9]+\\)", report.Reason);
        var quality = report.Quality!;
        Assert.True(quality.Judged);
        Assert.InRange(quality.Users, 110, 190); // about half of 300
        Assert.Equal(1, quality.Recall20.Live!.Value, 12);
        Assert.True(quality.Recall20.Release < 0.2);
        Assert.False(quality.Recall20.Passed);

        // The other way round it is an improvement; measured against itself there is nothing to judge.
        await _store.ActivateAsync(worse.ModelVersion, "test", null);
        Assert.True((await GateAsync(live)).Passed);
        report = await GateAsync(worse);
        Assert.Equal((true, null, false), (report.Passed, report.ComparedWith, report.Quality!.Judged));
    }

    [Fact]
    public async Task An_equal_release_passes_whatever_its_dimension_and_a_margin_allows_for_less()
    {
        await TestReleases.ActivateAsync(_db, TasteWorld.Checkpoint());
        var equal = await TestReleases.ReadyAsync(_db, TasteWorld.Checkpoint(dim: 32), Golden.AsOf.AddHours(1));
        var report = await GateAsync(equal);
        Assert.True(report.Passed, report.Reason);
        Assert.Equal((true, 0.0), (report.Quality!.Judged, report.Quality.Recall20.Difference));

        var worse = await TestReleases.ReadyAsync(_db, TasteWorld.Checkpoint(shift: 3), Golden.AsOf.AddHours(2));
        Assert.True((await GateAsync(worse, new() { Margin = 1, NopeMargin = 1 })).Passed);
    }

    [Theory]
    [InlineData(0.5, 0.0, "was trained without held-out users (samples.held_out_users)")]
    [InlineData(0.5, 0.02, "held-out users with 5 likes, 50 are needed to judge")]
    public async Task Quality_is_not_judged_on_too_few_users_and_the_gate_says_so(double live, double candidate, string why)
    {
        await TestReleases.ActivateAsync(_db, TasteWorld.Checkpoint(heldOut: live));
        var worse = await TestReleases.ReadyAsync(_db, TasteWorld.Checkpoint(shift: 3, heldOut: candidate), Golden.AsOf.AddHours(1));
        var report = await GateAsync(worse);
        Assert.True(report.Passed);
        Assert.StartsWith("not judged: ", report.Checks[^1].Detail, StringComparison.Ordinal);
        Assert.Contains(why, report.Checks[^1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Thresholds_out_of_range_end_a_start_by_name()
    {
        Assert.True(new GateOptionsValidator().Validate(null, new()).Succeeded);
        var result = new GateOptionsValidator().Validate(null, new() { Margin = 2, MinUsers = 1 });
        Assert.Contains("Margin", result.FailureMessage, StringComparison.Ordinal);
        Assert.Contains("MinUsers", result.FailureMessage, StringComparison.Ordinal);
    }
}
