using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Serving;

/// <summary>What requests may take of a process and its database: settings section <c>TwoTower:Limits</c>.</summary>
internal sealed class ServingLimits
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Limits";

    /// <summary>Time that a request may take; then it is answered 503, and the server ends its statement.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Requests that ask the database at once, in each process. Less than the pool has connections (Maximum Pool Size, 100 by default):
    /// health checks and background work have the others.
    /// </summary>
    [Range(1, 1_000)]
    public int ConcurrentRequests { get; set; } = 32;

    /// <summary>Requests that wait for their turn, within the deadline; beyond them 503 at once, with Retry-After.</summary>
    [Range(0, 100_000)]
    public int WaitingRequests { get; set; } = 128;

    /// <summary>
    /// Time that an operator's long request may take, such as a comparison, a run of the gate, an export or an import; shorter ones have
    /// that of every request.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan OperatorDeadline { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Decisions that a user may post in a minute, in each process, all of them at once if need be; beyond them 429 with
    /// Retry-After. 0: any number.</summary>
    [Range(0, 1_000_000)]
    public int DecisionsPerMinute { get; set; } = 600;
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class ServingLimitsValidator : IValidateOptions<ServingLimits>;
