namespace TwoTower.Postgres.Gate;

/// <summary>What the gate decided about a release.</summary>
internal sealed record GateReport
{
    /// <summary>Number of the run in <c>two_tower.gate_runs</c>.</summary>
    public long Run { get; init; }

    /// <summary>The release.</summary>
    public required string ModelVersion { get; init; }

    /// <summary>True when nothing failed.</summary>
    public bool Passed => Reason is null;

    /// <summary>What failed; null: nothing.</summary>
    public string? Reason { get; init; }

    /// <summary>The live release that it was measured against; null: none, or it is the live one itself.</summary>
    public string? ComparedWith { get; init; }

    /// <summary>Each check that was made, in order.</summary>
    public required IReadOnlyList<GateCheck> Checks { get; init; }

    /// <summary>Quality, where it came to be measured.</summary>
    public GateQuality? Quality { get; init; }

    /// <summary>Videos without a vector.</summary>
    public long WithoutVector { get; init; }
}

/// <summary>One check.</summary>
/// <param name="Name">What was looked at: files, weights, networks, probes, vectors, agreement, quality.</param>
/// <param name="Passed">True when it is as it should be, or can't be told and is no fault.</param>
/// <param name="Detail">What was found.</param>
internal sealed record GateCheck(string Name, bool Passed, string Detail);

/// <summary>Quality on the held-out users, of the release and of the live one.</summary>
/// <param name="Judged">False: too little to judge by, and it doesn't count.</param>
/// <param name="Users">Users that both were asked about.</param>
/// <param name="Recall20">Recall@20.</param>
/// <param name="Ndcg100">NDCG@100.</param>
/// <param name="Nope20">Share of nopes among the first 20; less is better.</param>
internal sealed record GateQuality(bool Judged, int Users, GateMetric Recall20, GateMetric Ndcg100, GateMetric Nope20);

/// <summary>One metric of both releases, means over the users.</summary>
/// <param name="Release">Of the release under test.</param>
/// <param name="Live">Of the live one; null with none.</param>
/// <param name="Difference">Release − live.</param>
/// <param name="StandardError">Of the difference, user by user.</param>
/// <param name="Allowed">The difference that is just allowed, chance included.</param>
/// <param name="Passed">False when it is worse than that.</param>
internal sealed record GateMetric(
    double Release, double? Live = null, double? Difference = null, double? StandardError = null, double? Allowed = null,
    bool Passed = true);

/// <summary>A recorded run of the gate.</summary>
/// <param name="Run">Its number.</param>
/// <param name="At">When, by the database's clock.</param>
/// <param name="Actor">Who ran it.</param>
/// <param name="Passed">What it decided.</param>
/// <param name="ComparedWith">The release that was live.</param>
/// <param name="Reason">What failed.</param>
/// <param name="Numbers">Checks and quality, JSON.</param>
internal sealed record GateRun(
    long Run, DateTimeOffset At, string Actor, bool Passed, string? ComparedWith, string? Reason, System.Text.Json.JsonElement Numbers);
