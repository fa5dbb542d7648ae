using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// Answers requests: one query for the user and the pointer, one run of that release's tower, one search in that release's vectors,
/// re-ranking (docs/architecture.md, the path of a request). Holds no state of users; thread-safe.
/// </summary>
internal sealed class RecommendationService : IDisposable
{
    // A release that vanishes between the two queries was superseded at least once: this many times in a row isn't chance.
    private const int Attempts = 8;

    // For a search that nothing of a client's narrows: everybody may see what it finds.
    private static readonly VideoFilter AnyVideo = new() { MaxSafetyLevel = int.MaxValue };

    // A connection that was cut leaves the pool with the request that met it: as often as there may be such connections for one request.
    private const int AttemptsOverCuts = 32;

    private readonly ServingQuery _query;
    private readonly TowerCache _towers;
    private readonly VideoSearch _search;
    private readonly NewVideos _newVideos;
    private readonly RecommendationOptions _options;
    private readonly ServingRecorder? _recorder;

    /// <summary>Creates the service.</summary>
    /// <param name="towers">Towers of the releases in use.</param>
    /// <param name="options">How an answer is made.</param>
    /// <param name="recorder">Records served answers; null disables recording.</param>
    /// <param name="limits">The deadline of a query; null: the default one.</param>
    public RecommendationService(
        NpgsqlDataSource db, TowerCache towers, IOptions<RecommendationOptions> options, ServingRecorder? recorder = null,
        IOptions<ServingLimits>? limits = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _query = new(db, (limits?.Value ?? new ServingLimits()).Deadline);
        (_towers, _search, _options, _recorder) = (towers, new VideoSearch(_query), options.Value, recorder);
        _newVideos = new(_query, new ReleaseStore(db));
    }

    /// <summary>Videos for a user.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="asOf">Another time than now, to replay a request; null: that of the options, or else now.</param>
    /// <exception cref="RecommendationException">The user has likes, and there is no usable release to go by them.</exception>
    public async Task<Recommendations> RecommendAsync(
        RecommendationRequest request, DateTimeOffset? asOf = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        string? version = null, unusable = null;
        try
        {
            return await AnswerAsync("recommend", async () =>
            {
                RequestContext context;
                using (ServingTelemetry.Begin("features"))
                {
                    context =
                        await RequestContext.ReadAsync(_query, request.UserId, asOf ?? _options.AsOf, unusable, ct);
                }

                version = context.LikeCount > 0 ? context.ModelVersion : null;
                Guid? seenBy = request.IncludeSeen ? null : request.UserId;
                Recommendations answer;
                try
                {
                    answer = context.LikeCount == 0
                        ? await PopularAsync(request, seenBy, context.AsOf, ct)
                        : await ByTasteAsync(request, seenBy, context, ct);
                }
                catch (Exception e) when (context.IsTreated && version is not null && ReleaseFault.Is(e))
                {
                    // An experiment must not cost its users their answers: they get the active release's.
                    _recorder?.Failed(version, request.UserId);
                    unusable = version;
                    throw new StaleReleaseException($"the experiment's release {version} can't be used: {e.Message}", e);
                }

                // A replay of an earlier moment is served to nobody.
                if (asOf is null)
                {
                    var couldBeMore = _recorder is not null && answer is { ModelVersion: { } empty, Videos.Count: 0 }
                        && await OtherReleaseFindsAsync(empty, request.Filter, seenBy, ct);
                    _recorder?.Answered(
                        request.UserId, answer.ModelVersion, ServingTelemetry.NameOf(answer.Strategy),
                        [.. answer.Videos.Select(video => video.Video.Id)],
                        context.ExperimentId, context.ReadAt, couldBeMore);
                }

                return answer;
            });
        }
        catch (Exception e) when (version is not null && ReleaseFault.Is(e))
        {
            _recorder?.Failed(version, request.UserId);
            throw;
        }
    }

    /// <summary>Videos like a video, the model's order.</summary>
    /// <param name="limit">Videos wanted.</param>
    /// <param name="filter">Which videos may be shown.</param>
    /// <exception cref="RecommendationException">No usable release, no such video, or a video without a vector.</exception>
    public Task<Recommendations> SimilarAsync(Guid videoId, int limit, VideoFilter filter, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return AnswerAsync("similar", async () =>
        {
            var (version, asOf) = await ReadPointerAsync(ct);
            List<Candidate> candidates;
            using (ServingTelemetry.Begin("search"))
            {
                candidates = await SimilarAsync(videoId, limit, filter, version, ct);
            }

            var videos = candidates.Select((c, i) => new RecommendedVideo(i + 1, c.Video, c.Value, null, c.Value, []));
            return Done(new(Strategy.Similar, version, asOf, [.. videos]), limit, candidates.Count);
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _newVideos.Dispose();

    private async Task<List<Candidate>> SimilarAsync(Guid videoId, int limit, VideoFilter filter, string version, CancellationToken ct)
    {
        try
        {
            return await _search.SimilarAsync(videoId, limit, filter, version, ct);
        }
        catch (RecommendationException e) when (e.Why == NoAnswer.VideoWithoutVector)
        {
            // No embedder has come to it yet, or none runs.
            var embedding = await _newVideos.EmbedAsync(videoId, version, ct);
            var others = filter with { ExcludeVideoIds = [.. filter.ExcludeVideoIds, videoId] };
            return await _search.NearestAsync(embedding, limit, limit, others, null, version, ct);
        }
    }

    private async Task<Recommendations> ByTasteAsync(
        RecommendationRequest request, Guid? seenBy, RequestContext context, CancellationToken ct)
    {
        if (context is not { ModelVersion: { } version, Payload: { } payload, Taste: { } taste })
        {
            throw new RecommendationException(NoAnswer.NoUsableRelease, SearchErrors.NoRelease);
        }

        var (embedding, recipeReRanks, calibration, traceParent) =
            await EncodeAsync(version, payload, context.AsOf, ct);
        var reRank = _options.ReRank ?? recipeReRanks;
        List<Candidate> candidates;
        using (ServingTelemetry.Begin("search"))
        {
            candidates = await NearestAsync(embedding, request.Limit, reRank, request.Filter, seenBy, version, ct);
        }

        using (ServingTelemetry.Begin("rank"))
        {
            var best = ReRanker.Best(candidates, request.Limit, context.AsOf, reRank);
            var videos = best.Select((b, i) => new RecommendedVideo(
                i + 1, b.Candidate.Video, b.Candidate.Value, null, b.RankScore, taste.Explain(b.Candidate.Video, _options.ReasonsPerVideo))
            {
                LikeProbability = calibration?.Of(b.Candidate.Value, payload.DecisionStats),
            });
            return Done(
                new(Strategy.TwoTower, version, context.AsOf, [.. videos]) { TraceParent = traceParent }, request.Limit, candidates.Count);
        }
    }

    private async Task<List<Candidate>> NearestAsync(
        float[] embedding, int limit, bool reRank, VideoFilter filter, Guid? seenBy, string version, CancellationToken ct)
    {
        // In the model's own order nobody reads further than the answer; where filters leave little, the second half makes the first surer.
        var lookedAt = _options.Candidates(limit);
        try
        {
            return await _search.NearestAsync(
                embedding, reRank ? lookedAt : Math.Min(2 * limit, lookedAt), lookedAt, filter, seenBy, version, ct);
        }
        catch (Exception e) when (ReleaseFault.IsPossible(e))
        {
            // What the client sent, or the release? Without the former only the latter is left.
            if (!await FailsForAnybodyAsync(embedding, version, ct)) throw;
            throw new RecommendationException(NoAnswer.NoUsableRelease, $"The release {version} can't be searched.", e);
        }
    }

    private async Task<bool> FailsForAnybodyAsync(float[] embedding, string version, CancellationToken ct)
    {
        try
        {
            await _search.NearestAsync(embedding, 1, 1, AnyVideo, null, version, ct);
            return false;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return ReleaseFault.IsPossible(e);
        }
    }

    // The answer is given whatever becomes of this question about it.
    private async Task<bool> OtherReleaseFindsAsync(string version, VideoFilter filter, Guid? seenBy, CancellationToken ct)
    {
        try
        {
            return await _search.OtherReleaseFindsAsync(version, filter, seenBy, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Activity.Current?.AddException(e);
            return false;
        }
    }

    private async Task<Recommendations> PopularAsync(RecommendationRequest request, Guid? seenBy, DateTimeOffset asOf, CancellationToken ct)
    {
        List<Candidate> candidates;
        using (ServingTelemetry.Begin("search"))
        {
            candidates = await _search
                .PopularAsync(_options.Candidates(request.Limit), request.Filter, seenBy, asOf, ct)
                ;
        }

        // Freshness is what this strategy promises: it is re-ranked whatever the option says of the model's order.
        var best = ReRanker.BestAndFresh(candidates, request.Limit, asOf, _options.FreshEvery, TimeSpan.FromDays(_options.FreshDays));
        var videos = best.Select((b, i) => new RecommendedVideo(i + 1, b.Candidate.Video, null, b.Candidate.Value, b.RankScore, []));
        return Done(new(Strategy.PopularAndFresh, null, asOf, [.. videos]), request.Limit, candidates.Count);
    }

    private async Task<(float[] Embedding, bool ReRanks, LikeCalibration? Calibration, string? TraceParent)> EncodeAsync(
        string version, UserPayload payload, DateTimeOffset asOf, CancellationToken ct)
    {
        try
        {
            using var borrowed = await _towers.BorrowAsync(version, ct);
            using (ServingTelemetry.Begin("tower"))
            {
                return (borrowed.Tower.Encode(payload, asOf), borrowed.Tower.ReRanks, borrowed.Tower.Calibration, borrowed.TraceParent);
            }
        }
        catch (ReleaseGoneException e)
        {
            throw new StaleReleaseException(e.Message.TrimEnd('.'), e);
        }
        catch (InputException e)
        {
            throw new RecommendationException(NoAnswer.NoUsableRelease, $"The active release {version} can't be used: {e.Message}", e);
        }
        catch (Exception e) when (ReleaseFault.IsPossible(e))
        {
            throw new RecommendationException(NoAnswer.NoUsableRelease, $"The active release {version} can't be used: its user tower fails.", e);
        }
    }

    private async Task<(string Version, DateTimeOffset AsOf)> ReadPointerAsync(CancellationToken ct)
    {
        var active = await _query.ListAsync(
            """
            select r.model_version, statement_timestamp() as as_of
            from two_tower.active_release a join two_tower.releases r using (release_id)
            """,
            [], row => (row.Get<string>("model_version"), row.Get<DateTimeOffset>("as_of")), ct);
        return active is [var pointer] ? pointer : throw new RecommendationException(NoAnswer.NoUsableRelease, SearchErrors.NoRelease);
    }

    private static Recommendations Done(Recommendations answer, int limit, int candidates)
    {
        ServingTelemetry.Answered(answer, limit, candidates);
        return answer;
    }

    private static async Task<Recommendations> AnswerAsync(string name, Func<Task<Recommendations>> attempt)
    {
        using var span = ServingTelemetry.Source.StartActivity(name);
        try
        {
            for (var tries = 1; ; tries++)
            {
                try
                {
                    var answer = await attempt();
                    span?.SetTag("twotower.strategy", ServingTelemetry.NameOf(answer.Strategy));
                    span?.SetTag("twotower.model_version", answer.ModelVersion);
                    // here, not where the tower is at hand: an attempt before this one may have had another release
                    span.LinkToTraining(answer.TraceParent);
                    return answer;
                }
                catch (StaleReleaseException) when (tries < Attempts)
                {
                    // The pointer has moved on: the next attempt reads it anew.
                    ServingTelemetry.Retried("release_gone");
                }
                catch (NpgsqlException e) when (tries < AttemptsOverCuts && DatabaseErrors.FaultOf(e) == DatabaseFault.Cut)
                {
                    // A connection of the pool that was cut while nobody used it. All of an answer is reading: it may begin again. The pool
                    // drops the others, too, but while it does so for one request, another may still be given a dead one, hence several
                    // tries.
                    ServingTelemetry.Retried("connection_cut");
                }
                catch (StaleReleaseException e)
                {
                    throw new RecommendationException(NoAnswer.NoUsableRelease, $"The active release can't be searched: {e.Message}.", e);
                }
            }
        }
        catch (RecommendationException e)
        {
            ServingTelemetry.Failed(e.Why);
            throw;
        }
    }
}
