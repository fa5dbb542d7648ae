using System.Text.Json;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Torture.Load;

namespace TwoTower.Torture.Checking;

/// <summary>
/// Says whether an answer is right for exactly one release: score and order recomputed from that release's tower and vectors, from the
/// viewer's rows and from the answer's own as-of. Shares the encoder and the formula with the API, and no query.
/// </summary>
internal sealed class Oracle : IDisposable
{
    // Vectors are 32-bit floats; two releases differ by tenths.
    private const double Tolerance = 1e-5, Apart = 1e-3;

    private readonly Dictionary<string, ReleaseOracle> _releases;
    private readonly Dictionary<Guid, UserHistory> _histories;
    private readonly Dictionary<Guid, VideoRow> _videos;
    private readonly RecommendationOptions _options = new();
    private int _wanted, _found;

    private Oracle(TableSet tables, IEnumerable<ReleaseOracle> releases)
    {
        _releases = releases.ToDictionary(release => release.ModelVersion);
        _histories = PayloadBuilder.Histories(tables).ToDictionary(history => history.UserId);
        _videos = tables.Videos.ToDictionary(video => video.Id);
    }

    /// <summary>Share of an exact search's videos that the answers had.</summary>
    public double Recall => _wanted == 0 ? 1 : (double)_found / _wanted;

    public static async Task<Oracle> ReadAsync(World world, IEnumerable<Release> releases, CancellationToken ct)
    {
        var oracles = new List<ReleaseOracle>();
        foreach (var release in releases) oracles.Add(await ReleaseOracle.ReadAsync(world.Db, release, ct));
        return new(world.Tables, oracles);
    }

    /// <summary>The release that an answer is right for; what is wrong with it goes to the findings, and the result is null.</summary>
    public string? Check(Exchange exchange, Findings findings)
    {
        var before = findings.Count;
        if (exchange.Status != 200)
        {
            findings.Add($"{exchange.Status} for {exchange.Viewer}: {exchange.Text}");
            return null;
        }

        Answer answer;
        try
        {
            answer = Answer.Parse(exchange.Body);
        }
        catch (JsonException e)
        {
            findings.Add($"not an answer ({e.Message}): {exchange.Text}");
            return null;
        }

        if (answer.ModelVersion is not { } version || !_releases.TryGetValue(version, out var release) || answer.Strategy != "two_tower")
        {
            findings.Add($"{exchange.Viewer} got {answer.Strategy} of {answer.ModelVersion ?? "no release"}");
            return null;
        }

        Check(answer, release, _histories[exchange.Viewer], findings);
        return findings.Count == before ? version : null;
    }

    public void Dispose()
    {
        foreach (var release in _releases.Values) release.Dispose();
    }

    private void Check(Answer answer, ReleaseOracle release, UserHistory history, Findings findings)
    {
        var who = $"{history.UserId} of {release.ModelVersion} as of {answer.AsOf:O}";
        var payload = PayloadBuilder.BuildUser(history, answer.AsOf);
        var viewer = release.Encode(payload, answer.AsOf);
        var decided = history.Entries.Select(entry => entry.VideoId).ToHashSet();
        findings.AddIf(answer.Videos.Count != Clients.Limit, $"{who}: {answer.Videos.Count} videos instead of {Clients.Limit}");
        var last = double.PositiveInfinity;
        foreach (var (video, place) in answer.Videos.Select((video, i) => (video, i + 1)))
        {
            if (!_videos.TryGetValue(video.VideoId, out var row) || release.Score(viewer, video.VideoId) is not { } score)
            {
                findings.Add($"{who}: video {video.VideoId} isn't in the catalogue, or has no vector");
                continue;
            }

            var rank = ReRanker.Score(score, row.ProductReleasedAt, row.Price, answer.AsOf);
            findings.AddIf(decided.Contains(video.VideoId), $"{who}: video {video.VideoId} was decided on");
            findings.AddIf(!(Math.Abs(score - (video.Score ?? double.NaN)) <= Tolerance), $"{who}: video {video.VideoId} scores {video.Score}, should be {score}");
            findings.AddIf(!(Math.Abs(1 / (1 + Math.Exp(-score)) - (video.Probability ?? double.NaN)) <= Tolerance), $"{who}: probability of {video.VideoId} is {video.Probability}");
            findings.AddIf(!(Math.Abs(rank - video.RankScore) <= Tolerance), $"{who}: video {video.VideoId} ranks by {video.RankScore}, should be {rank}");
            findings.AddIf(video.Rank != place || rank > last + Tolerance, $"{who}: video {video.VideoId} is out of order at {place}");
            last = rank;
        }

        foreach (var other in _releases.Values.Where(other => other != release))
        {
            var its = other.Encode(payload, answer.AsOf);
            findings.AddIf(
                answer.Videos.All(video => Math.Abs((other.Score(its, video.VideoId) ?? 2) - (video.Score ?? 0)) < Apart),
                $"{who}: right for {other.ModelVersion}, too, so it proves nothing");
        }

        var best = Best(release, viewer, decided, answer.AsOf);
        Interlocked.Add(ref _wanted, best.Count);
        Interlocked.Add(ref _found, answer.Videos.Count(video => best.Contains(video.VideoId)));
    }

    // What an exact search over all videos would have answered; an index may miss some.
    private HashSet<Guid> Best(ReleaseOracle release, float[] viewer, HashSet<Guid> decided, DateTimeOffset asOf)
    {
        var filter = new VideoFilter();
        return [.. _videos.Values
            .Where(video => video.IsActive && video.SafetyLevel <= filter.MaxSafetyLevel && !decided.Contains(video.Id))
            .Select(video => (Video: video, Score: release.Score(viewer, video.Id) ?? double.NegativeInfinity))
            .OrderByDescending(one => one.Score).Take(_options.Candidates(Clients.Limit))
            .OrderByDescending(one => ReRanker.Score(one.Score, one.Video.ProductReleasedAt, one.Video.Price, asOf)).Take(Clients.Limit)
            .Select(one => one.Video.Id)];
    }
}
