using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Memory belongs to the process: nothing runs beside this.</summary>
[Collection(nameof(Alone))]
public sealed class ExportMemoryTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private const string Key = "a-key-of-sixteen-or-more";
    private const long Slack = 32L << 20;

    [Fact]
    public async Task What_an_export_took_the_process_gives_back()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("insert into videos (id) select md5('v' || i)::uuid from generate_series(1, 20000) i");
        var release = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(embeddingDim: 256));
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:OperatorKey"] = Key });
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var before = Committed();
        var peak = before;
        for (var i = 0; i < 3; i++)
        {
            using var answer = await api.Client.GetAsync($"/v1/releases/{release.ModelVersion}/bundle", HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(200, (int)answer.StatusCode);
            peak = Math.Max(peak, Committed()); // written by now, sent not yet
            await (await answer.Content.ReadAsStreamAsync()).CopyToAsync(Stream.Null);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        long after;
        while ((after = Committed()) > before + Slack && !patience.IsCancellationRequested) await Task.Delay(50);
        output.WriteLine($"{before >> 20} MB committed before, {peak >> 20} MB under way, {after >> 20} MB after");
        Assert.True(peak > before + Slack, "an export took so little that it shows nothing");
        Assert.InRange(after, 0, before + Slack);
    }

    // What the collector knows is of the last collection: a small one, which gives nothing back.
    private static long Committed()
    {
        GC.Collect(0, GCCollectionMode.Forced, blocking: true);
        return GC.GetGCMemoryInfo().TotalCommittedBytes;
    }
}
