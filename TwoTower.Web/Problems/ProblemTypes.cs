using System.Collections.Frozen;

namespace TwoTower.Web.Problems;

/// <summary>
/// The <c>type</c> of each problem: a URI of our own, so that a program tells two problems of one status apart. docs/api.md lists them, and
/// a test holds the two together.
/// </summary>
internal static class ProblemTypes
{
    public const string Prefix = "urn:twotower:problem:";

    // By title: one of ours says what happened, and is a constant.
    private static readonly FrozenDictionary<string, string> ByTitle = new Dictionary<string, string>
    {
        ["The request can't be read"] = "unreadable-request",
        ["The request can't be used"] = "unusable-request",
        ["The decision's time can't be right"] = "impossible-time",
        ["The host isn't served here"] = "host-not-served",
        ["An operator's key is needed"] = "operator-key-needed",
        ["The API's database role may not do that"] = "not-allowed-by-database",
        ["There is no such video"] = "unknown-video",
        ["There is no such release"] = "unknown-release",
        ["There is no such experiment"] = "unknown-experiment",
        ["The video has no vector yet"] = "video-without-vector",
        ["The decision is in conflict with an earlier one"] = "conflicting-decision",
        ["The release's state doesn't allow it"] = "release-state",
        ["Another experiment is in the way"] = "experiment-in-the-way",
        ["The bundle can't become a release here"] = "bundle-conflict",
        ["Other bundles are under way"] = "bundles-under-way",
        ["The release failed its checks"] = "release-failed-checks",
        ["There is no room for the bundle"] = "no-room",
        ["Too many decisions of one user"] = "too-many-decisions",
        ["No usable release"] = "no-usable-release",
        ["The database is away"] = "database-away",
        ["The database isn't migrated"] = "database-not-migrated",
        ["The answer took too long"] = "out-of-time",
        ["Too many requests at once"] = "overloaded",
        ["The service is stopping"] = "stopping",
        ["An error occurred"] = "internal-error",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // What the framework answers by itself, and what the server refuses before it reads on.
    private static readonly FrozenDictionary<int, string> ByStatus = new Dictionary<int, string>
    {
        [400] = "unreadable-request",
        [404] = "unknown-path",
        [405] = "method-not-allowed",
        [408] = "too-slow",
        [411] = "length-required",
        [413] = "body-too-large",
        [414] = "url-too-long",
        [415] = "unsupported-media-type",
        [431] = "headers-too-large",
        [500] = "internal-error",
    }.ToFrozenDictionary();

    /// <summary>All that there are.</summary>
    public static IEnumerable<string> All => ByTitle.Values.Concat(ByStatus.Values).Distinct().Select(name => Prefix + name);

    public static string Of(int? status, string? title) => Prefix + (
        status is 413 or 414 or 415 or 431 ? ByStatus[status.Value]
        : title is not null && ByTitle.TryGetValue(title, out var own) ? own
        : status is { } code && ByStatus.TryGetValue(code, out var general) ? general
        : "internal-error");
}
