namespace TwoTower.Torture;

/// <summary>How much of everything; all that is random comes from the seed.</summary>
internal sealed record TortureOptions
{
    /// <summary>Requests while releases change.</summary>
    public int Requests { get; init; } = 10_000;

    /// <summary>Clients at once.</summary>
    public int Clients { get; init; } = 16;

    /// <summary>Processes of the API.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Activations and rollbacks.</summary>
    public int Changes { get; init; } = 50;

    /// <summary>Replicas replaced in between, one after the other.</summary>
    public int Restarts { get; init; } = 6;

    /// <summary>Processes killed: trainers, embedders, replicas by turns.</summary>
    public int Kills { get; init; } = 30;

    /// <summary>Restarts of PostgreSQL.</summary>
    public int DatabaseRestarts { get; init; } = 3;

    /// <summary>Seconds of each strain: hang-ups, a heavy user, a slow database, a stopped one.</summary>
    public int StrainSeconds { get; init; } = 10;

    /// <summary>Viewers of the made-up world.</summary>
    public int Viewers { get; init; } = 800;

    /// <summary>Videos of the made-up world.</summary>
    public int Videos { get; init; } = 3_000;

    /// <summary>Another seed is another run.</summary>
    public int Seed { get; init; } = 1;
}
