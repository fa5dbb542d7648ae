using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Decisions;

/// <summary>How many decisions a user may post (<see cref="ServingLimits.DecisionsPerMinute"/>). A user who has posted nothing of late takes no memory.</summary>
internal sealed class DecisionLimit(IOptions<ServingLimits> options) : IDisposable
{
    private readonly PartitionedRateLimiter<Guid> _users = Create(options.Value.DecisionsPerMinute);

    /// <summary>Takes one of the user's turns.</summary>
    /// <returns>Null, or how long to wait for the next turn.</returns>
    public TimeSpan? Take(Guid userId)
    {
        using var lease = _users.AttemptAcquire(userId);
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
    }

    /// <inheritdoc/>
    public void Dispose() => _users.Dispose();

    private static PartitionedRateLimiter<Guid> Create(int perMinute) => PartitionedRateLimiter.Create<Guid, Guid>(userId => perMinute == 0
        ? RateLimitPartition.GetNoLimiter(userId)
        : RateLimitPartition.GetTokenBucketLimiter(userId, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perMinute,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / perMinute,
            QueueLimit = 0,
        }));
}
