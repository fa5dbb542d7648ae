using System.Threading.Channels;
using Microsoft.Extensions.Options;
using TwoTower.Core.Quality;

namespace TwoTower.Postgres.Impressions;

/// <summary>
/// Takes down what was served, in memory only: no request ever waits for it. <see cref="ServingRecordWriter"/> brings it to the database.
/// Counts cover every request that a release was to answer; impressions those of a share of the users. Thread-safe.
/// </summary>
/// <param name="options">Whose answers, and how many may wait.</param>
public sealed class ServingRecorder(IOptions<ImpressionOptions> options)
{
    private const string Salt = "impressions";

    private readonly Lock _lock = new();
    private readonly Channel<ServedAnswer> _pending = Channel.CreateBounded<ServedAnswer>(new BoundedChannelOptions(options.Value.Pending) { SingleReader = true });
    private Dictionary<string, Outcomes> _outcomes = new(StringComparer.Ordinal);

    internal ChannelReader<ServedAnswer> Pending => _pending.Reader;

    /// <summary>An answer was given.</summary>
    /// <param name="userId">To whom.</param>
    /// <param name="modelVersion">The release that it is of; null without a model.</param>
    /// <param name="strategy">How it was made, as answers name it.</param>
    /// <param name="videoIds">What was recommended, best first.</param>
    /// <param name="experimentId">The experiment that runs, whichever release the user got.</param>
    /// <param name="servedAt">When it was asked for, by the database's clock: a decision on it is later.</param>
    public void Answered(
        Guid userId, string? modelVersion, string strategy, IReadOnlyCollection<Guid> videoIds, long? experimentId, DateTimeOffset servedAt)
    {
        ArgumentNullException.ThrowIfNull(videoIds);
        if (modelVersion is not null) Count(modelVersion, new(1, videoIds.Count == 0 ? 1 : 0, 0));
        if (UserShare.Of(userId, Salt) >= options.Value.Share) return;
        var served = new ServedAnswer(servedAt.ToUniversalTime(), userId, modelVersion, experimentId, strategy, [.. videoIds]);
        if (!_pending.Writer.TryWrite(served)) ImpressionTelemetry.Lost("full", 1);
    }

    /// <summary>There was no answer, and the release was why.</summary>
    public void Failed(string modelVersion) => Count(modelVersion, new(0, 0, 1));

    internal Dictionary<string, Outcomes> TakeOutcomes()
    {
        lock (_lock)
        {
            var taken = _outcomes;
            _outcomes = new(StringComparer.Ordinal);
            return taken;
        }
    }

    internal void PutBack(Dictionary<string, Outcomes> outcomes)
    {
        foreach (var (version, count) in outcomes) Count(version, count);
    }

    private void Count(string version, Outcomes more)
    {
        lock (_lock)
        {
            var (answers, empty, failed) = _outcomes.GetValueOrDefault(version);
            _outcomes[version] = new(answers + more.Answers, empty + more.Empty, failed + more.Failed);
        }
    }
}

/// <summary>What became of the requests that a release was to answer.</summary>
/// <param name="Answers">Answered by the model, empty answers included.</param>
/// <param name="Empty">Answers without a video.</param>
/// <param name="Failed">No answer, and the release was why.</param>
public readonly record struct Outcomes(long Answers, long Empty, long Failed);
