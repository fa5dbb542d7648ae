using System.Threading.Channels;
using Microsoft.Extensions.Options;
using TwoTower.Core.Quality;

namespace TwoTower.Postgres.Impressions;

/// <summary>
/// Records what was served, in memory only: no request ever waits for it. <see cref="ServingRecordWriter"/> writes it to the database.
/// Counts cover every request that a release was to answer; impressions those of a share of the users. Thread-safe.
/// </summary>
/// <param name="options">Whose answers, and how many may wait.</param>
internal sealed class ServingRecorder(IOptions<ImpressionOptions> options)
{
    private const string Salt = "impressions";

    // In one flush interval. More users than these add nothing to what is judged by them.
    private const int MostFaults = 10_000;

    private readonly Lock _lock = new();
    private readonly Channel<ServedAnswer> _pending =
        Channel.CreateBounded<ServedAnswer>(new BoundedChannelOptions(options.Value.Pending) { SingleReader = true });
    private ServingOutcomes _outcomes = new();

    internal ChannelReader<ServedAnswer> Pending => _pending.Reader;

    /// <summary>An answer was given.</summary>
    /// <param name="userId">To whom.</param>
    /// <param name="modelVersion">The release that it is of; null without a model.</param>
    /// <param name="strategy">How it was made, as answers name it.</param>
    /// <param name="videoIds">What was recommended, best first.</param>
    /// <param name="experimentId">The experiment that runs, whichever release the user got.</param>
    /// <param name="servedAt">When it was asked for, by the database's clock: a decision on it is later.</param>
    /// <param name="couldBeMore">
    /// Of an answer without a video: true when the release to go back to would have found one, false when no release could, such as for a
    /// user who has seen everything. The latter says nothing of the release, and isn't counted.
    /// </param>
    public void Answered(
        Guid userId, string? modelVersion, string strategy, IReadOnlyCollection<Guid> videoIds, long? experimentId, DateTimeOffset servedAt,
        bool couldBeMore = false)
    {
        ArgumentNullException.ThrowIfNull(videoIds);
        var isEmpty = videoIds.Count == 0;
        if (modelVersion is not null && (!isEmpty || couldBeMore))
        {
            Count(modelVersion, new(1, isEmpty ? 1 : 0, 0), isEmpty ? new(modelVersion, ServingFaultKind.Empty, userId) : null);
        }

        if (UserShare.Of(userId, Salt) >= options.Value.Share) return;
        var served = new ServedAnswer(servedAt.ToUniversalTime(), userId, modelVersion, experimentId, strategy, [.. videoIds]);
        if (!_pending.Writer.TryWrite(served)) ImpressionTelemetry.Lost("full", 1);
    }

    /// <summary>There was no answer, and the release was why: never what the client sent.</summary>
    public void Failed(string modelVersion, Guid userId) =>
        Count(modelVersion, new(0, 0, 1), new(modelVersion, ServingFaultKind.Failed, userId));

    internal ServingOutcomes TakeOutcomes()
    {
        lock (_lock)
        {
            var taken = _outcomes;
            _outcomes = new();
            return taken;
        }
    }

    internal void PutBack(ServingOutcomes outcomes)
    {
        lock (_lock)
        {
            foreach (var (version, count) in outcomes.Counts) Add(version, count);
            foreach (var fault in outcomes.Faults) Add(fault);
        }
    }

    private void Count(string version, Outcomes more, ServingFault? fault)
    {
        lock (_lock)
        {
            Add(version, more);
            if (fault is { } one) Add(one);
        }
    }

    private void Add(string version, Outcomes more)
    {
        var (answers, empty, failed) = _outcomes.Counts.GetValueOrDefault(version);
        _outcomes.Counts[version] = new(answers + more.Answers, empty + more.Empty, failed + more.Failed);
    }

    private void Add(ServingFault fault)
    {
        if (_outcomes.Faults.Count < MostFaults) _outcomes.Faults.Add(fault);
    }
}
