using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace TwoTower.Web.Problems;

/// <summary>
/// A problem that the API tells of: its status, its title and its <c>type</c>, a URI of our own, so that a program tells two problems of
/// one status apart. docs/api.md lists them, and a test holds the two together.
/// </summary>
internal sealed class ProblemKind
{
    /// <summary>What each type begins with.</summary>
    public const string Prefix = "urn:twotower:problem:";

    private static readonly List<ProblemKind> Told = [];

    public static readonly ProblemKind UnusableRequest = new(400, "unusable-request", "The request can't be used");
    public static readonly ProblemKind ImpossibleTime = new(400, "impossible-time", "The decision's time can't be right");
    public static readonly ProblemKind HostNotServed = new(400, "host-not-served", "The host isn't served here");
    public static readonly ProblemKind OperatorKeyNeeded = new(401, "operator-key-needed", "An operator's key is needed");
    public static readonly ProblemKind NotAllowedByDatabase = new(403, "not-allowed-by-database", "The API's database role may not do that");
    public static readonly ProblemKind UnknownVideo = new(404, "unknown-video", "There is no such video");
    public static readonly ProblemKind UnknownRelease = new(404, "unknown-release", "There is no such release");
    public static readonly ProblemKind UnknownExperiment = new(404, "unknown-experiment", "There is no such experiment");
    public static readonly ProblemKind VideoWithoutVector = new(409, "video-without-vector", "The video has no vector yet");
    public static readonly ProblemKind ConflictingDecision = new(409, "conflicting-decision", "The decision is in conflict with an earlier one");
    public static readonly ProblemKind ReleaseState = new(409, "release-state", "The release's state doesn't allow it");
    public static readonly ProblemKind ExperimentInTheWay = new(409, "experiment-in-the-way", "Another experiment is in the way");
    public static readonly ProblemKind BundleConflict = new(409, "bundle-conflict", "The bundle can't become a release here");
    public static readonly ProblemKind BundlesUnderWay = new(409, "bundles-under-way", "Other bundles are under way");
    public static readonly ProblemKind ReleaseFailedChecks = new(422, "release-failed-checks", "The release failed its checks");
    public static readonly ProblemKind TooManyDecisions = new(429, "too-many-decisions", "Too many decisions of one user");
    public static readonly ProblemKind InternalError = new(500, "internal-error", "An error occurred");
    public static readonly ProblemKind NoUsableRelease = new(503, "no-usable-release", "No usable release");
    public static readonly ProblemKind DatabaseAway = new(503, "database-away", "The database is away");
    public static readonly ProblemKind DatabaseNotMigrated = new(503, "database-not-migrated", "The database isn't migrated");
    public static readonly ProblemKind OutOfTime = new(503, "out-of-time", "The answer took too long");
    public static readonly ProblemKind Overloaded = new(503, "overloaded", "Too many requests at once");
    public static readonly ProblemKind Stopping = new(503, "stopping", "The service is stopping");
    public static readonly ProblemKind NoRoom = new(507, "no-room", "There is no room for the bundle");

    // What the framework answers by itself, and what can't be read, by the reader of requests or by the server.
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

    private readonly int _status;
    private readonly string _title;

    private ProblemKind(int status, string name, string title)
    {
        (_status, _title, Type) = (status, title, Prefix + name);
        Told.Add(this);
    }

    /// <summary>The types that there are.</summary>
    public static IEnumerable<string> Types => Told.Select(kind => kind.Type).Concat(ByStatus.Keys.Select(TypeOf)).Distinct();

    /// <summary>The problem's <c>type</c>.</summary>
    public string Type { get; }

    /// <summary>The type of what has a status only: "about:blank" (RFC 9457) where we have none for it.</summary>
    public static string TypeOf(int status) => ByStatus.TryGetValue(status, out var name) ? Prefix + name : "about:blank";

    /// <summary>The problem with what happened in this case, and what to do.</summary>
    public ProblemDetails With(string detail) => new() { Status = _status, Type = Type, Title = _title, Detail = detail };

    /// <summary>The same as an endpoint's answer.</summary>
    public ProblemHttpResult Answer(string detail) => TypedResults.Problem(With(detail));
}
