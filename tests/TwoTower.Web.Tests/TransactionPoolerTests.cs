using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Behind PgBouncer in transaction mode: three connections to the server for everybody, each transaction on any of them.</summary>
[Collection(nameof(Alone))]
public sealed class TransactionPoolerTests(PostgresFixture postgres)
{
    private const string NoPooler = "none";
    private const string Why = "there is no pgbouncer on this machine (Debian, Ubuntu: apt install pgbouncer; TWOTOWER_TEST_PGBOUNCER names more of them)";

    /// <summary>Every version that this machine has; none stands for itself, and is skipped.</summary>
    public static TheoryData<string> Poolers => PgBouncer.Programs() is { Count: > 0 } programs ? [.. programs] : [NoPooler];

    // Once as it is, and once with what releases.md says is on anyway.
    public static TheoryData<string, string> PoolersAndKeywords =>
        [.. from pooler in Poolers from keywords in new[] { "", "No Reset On Close=true" } select new TheoryDataRow<string, string>(pooler.Data, keywords)];

    [Theory]
    [MemberData(nameof(PoolersAndKeywords))]
    public async Task Two_replicas_behind_a_transaction_pooler_answer_rightly_while_releases_change(string program, string keywords)
    {
        Assert.SkipWhen(program == NoPooler, Why);
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        List<Release> releases = [];
        foreach (var dim in new[] { 16, 24, 8 }) releases.Add(await TestReleases.ReadyAsync(db, TestCheckpoints.Random(dim, dim)));
        await using var pooler = await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 3, program);
        var through = pooler.Through(db.ConnectionString, keywords);
        await using var pooled = NpgsqlDataSource.Create(through);
        var store = new ReleaseStore(pooled); // an operator comes through the pooler, too
        await store.ActivateAsync(releases[0].ModelVersion, "test", null);
        await using var one = await ApiHost.StartAsync(through);
        await using var other = await ApiHost.StartAsync(through);

        using var stop = new CancellationTokenSource();
        var answers = new ConcurrentBag<(Guid User, JsonElement Answer)>();
        IEnumerable<string?> Served() => answers.Select(answer => answer.Answer.GetProperty("modelVersion").GetString()).Distinct();
        var users = Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Select(user => user.UserId).ToList();
        var clients = Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (var i = client; !stop.IsCancellationRequested; i++)
            {
                var user = users[i % users.Count];
                answers.Add((user, await (i % 2 == 0 ? one : other).GetAsync($"/v1/users/{user}/recommendations?limit=5")));
            }
        })).ToList();
        for (var i = 1; i <= 12 || Served().Count() < 2; i++)
        {
            Assert.True(i < 10_000, "no answer is of another release");
            if (i % 4 == 0) await store.RollbackAsync("test", null);
            else await store.ActivateAsync(releases[i % 3].ModelVersion, "test", null);
            await Task.Delay(30);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        foreach (var release in releases) await RightAsync(store, release, [.. answers.Where(answer => answer.Answer.GetProperty("modelVersion").GetString() == release.ModelVersion)]);

        await one.PostAsync("/v1/decisions", new { userId = ApiWorld.Stranger, videoId = Golden.ItemPayloads[0].VideoId, decision = "like" }, 201);
        await one.GetAsync("/health/ready");
        await LeavesNothingAsync(pooled);
    }

    [Theory]
    [MemberData(nameof(Poolers))]
    public async Task A_server_that_ends_the_poolers_connections_costs_no_request(string program)
    {
        Assert.SkipWhen(program == NoPooler, Why);
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await using var pooler = await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 3, program);
        await using var api = await ApiHost.StartAsync(pooler.Through(db.ConnectionString));
        await using var server = NpgsqlDataSource.Create(postgres.ServerConnectionString);
        for (var i = 0; i < 5; i++)
        {
            await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
            await using var end = server.CreateCommand($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{db.Name}'");
            await end.ExecuteNonQueryAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Poolers))]
    public async Task Max_Auto_Prepare_behind_a_pooler_is_warned_of(string program)
    {
        Assert.SkipWhen(program == NoPooler, Why);
        await using var db = await postgres.CreateDatabaseAsync();
        await using var pooler = await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 3, program);
        using var log = new LogLines();
        await using var api = await ApiHost.StartAsync(
            pooler.Through(db.ConnectionString, "Max Auto Prepare=20"), new() { ["Logging:LogLevel:Default"] = "Warning" }, builder => builder.Logging.AddProvider(log));
        Assert.Single(log.Lines, line => line.Contains("Max Auto Prepare", StringComparison.Ordinal));
    }

    // Recomputed from the release's own files, and from payloads that another program made.
    private static async Task RightAsync(ReleaseStore store, Release release, IReadOnlyList<(Guid User, JsonElement Answer)> answers)
    {
        var files = await store.OpenAsync(release.ModelVersion);
        using var users = UserTower.FromFiles(files);
        using var items = ItemTower.FromFiles(files);
        var vectors = new Dictionary<Guid, float[]>();
        foreach (var item in Golden.ItemPayloads)
        {
            var vector = new float[items.EmbeddingDim];
            items.Encode([item], vector);
            vectors.Add(item.VideoId, vector);
        }

        foreach (var (user, answer) in answers)
        {
            var embedding = users.Encode(Golden.UserPayloads.Single(payload => payload.UserId == user), answer.GetProperty("asOf").GetDateTimeOffset());
            var videos = answer.GetProperty("videos").EnumerateArray().ToList();
            Assert.Equal(5, videos.Count);
            foreach (var video in videos)
            {
                var score = vectors[video.GetProperty("videoId").GetGuid()].Zip(embedding, (a, b) => (double)a * b).Sum();
                Assert.Equal(score, video.GetProperty("score").GetDouble(), tolerance: 1e-5);
            }
        }
    }

    // What the next client of each server connection finds: the settings of a search are gone, and nobody listens.
    private static async Task LeavesNothingAsync(NpgsqlDataSource pooled)
    {
        var sessions = new HashSet<int>();
        for (var round = 0; round < 200 && sessions.Count < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
            {
                await using var command = pooled.CreateCommand(
                    """
                    select pg_backend_pid(), coalesce(current_setting('hnsw.ef_search', true), '40'), current_setting('jit'),
                        coalesce(nullif(current_setting('hnsw.iterative_scan', true), ''), 'off'), (select count(*) from pg_listening_channels()), pg_sleep(0.01)::text
                    """);
                await using var row = await command.ExecuteReaderAsync();
                Assert.True(await row.ReadAsync());
                lock (sessions) sessions.Add(row.GetInt32(0));
                Assert.Equal(("40", "off", 0L), (row.GetString(1), row.GetString(3), row.GetInt64(4)));
            }));
        }

        Assert.Equal(3, sessions.Count);
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Dispose()
        {
        }
    }
}
