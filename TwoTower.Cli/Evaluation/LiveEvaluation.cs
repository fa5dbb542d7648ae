using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Serving;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Rows;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Evaluation;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Queries;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;
using TwoTower.Web.Recommendations;
using TwoTower.Web.Settings;

namespace TwoTower.Cli.Evaluation;

/// <summary>
/// Asks a sample of the queries a second time, of the product as it is served: the release registered, embedded, indexed and active in a
/// scratch database that knows the users' histories and nothing else of them, the API in front of it, HTTP.
/// </summary>
/// <param name="session">Where it talks and when it stops.</param>
/// <param name="splits">The protocol's splits.</param>
/// <param name="server">Connection string of the server that the scratch database is made on.</param>
/// <param name="count">Queries to ask.</param>
internal sealed class LiveEvaluation(Session session, IReadOnlyList<Split> splits, string server, int count) : ILiveEvaluation
{
    private readonly IReadOnlyList<IReadOnlyList<int>> _sample = LiveSample.Draw(splits, count);
    private readonly Dictionary<string, Asked> _asked = [];

    /// <summary>Looks for its server.</summary>
    /// <exception cref="InputException">There is none, or it doesn't let this user create a database.</exception>
    public static async Task<ILiveEvaluation> CreateAsync(Session session, IReadOnlyList<Split> splits, int count)
    {
        var server = (await session.ProvideAsync()).ConnectionString;
        await ScratchDatabase.RequireRightAsync(server, session.Stop);
        return new LiveEvaluation(session, splits, server, count);
    }

    /// <inheritdoc/>
    public async Task AskAsync(EvaluatedSplit evaluated, IProgress<EvaluationProgress>? progress, CancellationToken ct)
    {
        if (evaluated.Scorer.Checkpoint is not { } checkpoint) return;
        if (!_asked.TryGetValue(evaluated.Model.Name, out var asked)) _asked.Add(evaluated.Model.Name, asked = new(evaluated.Seed));
        var split = evaluated.Split;
        var sample = _sample[splits.ToList().IndexOf(split)];
        if (asked.Seed != evaluated.Seed || sample.Count == 0) return;

        await using var scratch = await ScratchDatabase.CreateAsync(server, session.Terminal, ct);
        await new TableWriter(scratch.Source).WriteAsync(Rows(split, sample), null, ct);
        var release = await new ReleaseStore(scratch.Source).RegisterAsync(
            ReleaseFiles.Build(checkpoint, session.Time.GetUtcNow()), checkpoint.Recipe, null, ct);
        await new EmbedJob(scratch.Source, session.Time).RunAsync(
            release.ModelVersion, new EmbedOptions { Activate = true, Actor = "twotower evaluate", SyncPublicTable = false },
            new Embedded(split.Name, progress), ct);
        await using (var api = await ApiServer.StartAsync(
            scratch.ConnectionString, "127.0.0.1", 0, session.Parse.GetValue(CommonOptions.Verbose), null, ct, Settings(split)))
        {
            using var client = new HttpClient { BaseAddress = api.Address, Timeout = TimeSpan.FromMinutes(5) };
            // the first request loads the tower and opens a connection
            await GetAsync(client, split, split.Queries[sample[0]], release.ModelVersion, ct);
            var scores = new float[split.Items.Count];
            foreach (var (done, query) in sample.Index())
            {
                var started = session.Time.GetTimestamp();
                var answer = await GetAsync(client, split, split.Queries[query], release.ModelVersion, ct);
                var time = session.Time.GetElapsedTime(started);
                evaluated.Scorer.Score(split.Queries[query], scores);
                asked.Answers.Add(LiveAnswer.Of(split, split.Queries[query], evaluated.Results[query], scores, answer, time));
                progress?.Report(new(split.Name, "requests to the live API", done + 1, sample.Count, null));
            }
        }

        asked.Searches += sample.Count + 1;
        asked.IndexSearches += await IndexSearchesAsync(scratch.Source, release.Id, ct);
    }

    /// <inheritdoc/>
    public IReadOnlyList<LiveResult> Results(int rounds) =>
    [
        .. _asked.Where(asked => asked.Value.Answers.Count > 0)
            .Select(asked =>
                LiveResult.Of(
                    asked.Key, asked.Value.Seed, (asked.Value.Searches, asked.Value.IndexSearches), asked.Value.Answers, rounds,
                    session.Stop)),
    ];

    // What isn't ranked may still be in a history: it is there, and not shown.
    private static TableSet Rows(Split split, IReadOnlyList<int> sample)
    {
        var histories = sample.Select(query => split.Queries[query].History).ToList();
        return new(
            [.. histories.Where(history => history.Profile.CreatedAt is not null).Select(
                history => new ProfileRow(history.UserId, null, history.Profile.CreatedAt))],
            [.. split.Items.Select((video, item) => video with { IsActive = split.IsRanked[item] })],
            [.. histories.SelectMany(
                history => history.Entries.Select(entry => new DecisionRow(history.UserId, entry.VideoId, entry.Type, entry.At)))]);
    }

    // The moment and the order of the exact answers; whatever else this machine configures for its API stays.
    private static Dictionary<string, string?> Settings(Split split) => new()
    {
        [$"{RecommendationOptions.Section}:{nameof(RecommendationOptions.AsOf)}"] = split.AsOf.ToString("O", CultureInfo.InvariantCulture),
        [$"{RecommendationOptions.Section}:{nameof(RecommendationOptions.ReRank)}"] = "false",
        [$"{ApiOptions.Section}:{nameof(ApiOptions.StatisticsRefreshSeconds)}"] = "0",
    };

    private static async Task<List<(int Item, double Score)>> GetAsync(
        HttpClient client, Split split, Query query, string modelVersion, CancellationToken ct)
    {
        var path = $"v1/users/{query.History.UserId}/recommendations?limit={RankingMetrics.Kept}&maxSafetyLevel={short.MaxValue}";
        using var response = await client.GetAsync(path, ct);
        if (!response.IsSuccessStatusCode)
        {
            throw new InputException($"the API answered {(int)response.StatusCode} to GET /{path}: {await response.Content.ReadAsStringAsync(ct)}");
        }

        var answer = (await response.Content.ReadFromJsonAsync<RecommendationsResponse>(JsonSerializerOptions.Web, ct))!;
        return answer.ModelVersion == modelVersion
            ? [.. answer.Videos.Select(video => (split.ItemOf[video.VideoId], video.Score!.Value))]
            : throw new UnreachableException($"GET /{path} was answered by {answer.ModelVersion ?? answer.Strategy}, not by {modelVersion}");
    }

    // A connection counts what it has scanned when it goes at the latest; the API's are going.
    private async Task<long> IndexSearchesAsync(NpgsqlDataSource db, long release, CancellationToken ct)
    {
        db.Clear();
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var others = await db.Sql(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
                    .ScalarAsync<long>(ct);
            if (others == 0) break;
            await Task.Delay(TimeSpan.FromMilliseconds(100), session.Time, ct);
        }

        return await db.Sql("select coalesce(sum(idx_scan), 0)::int8 from pg_stat_user_indexes where indexrelname = @index")
            .With("index", $"video_embeddings_{release}_hnsw").ScalarAsync<long>(ct);
    }

    private sealed class Asked(int seed)
    {
        public int Seed => seed;

        public List<LiveAnswer> Answers { get; } = [];

        public int Searches { get; set; }

        public long IndexSearches { get; set; }
    }

    private sealed class Embedded(string split, IProgress<EvaluationProgress>? progress) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value) => progress?.Report(new(split, "videos embedded for the live API", value.Done, value.Total, null));
    }
}
