using TwoTower.Core;

namespace TwoTower.Postgres.Releases;

/// <summary>The words that <c>two_tower.releases</c> has for states and types.</summary>
internal static class ReleaseRow
{
    public static ReleaseState State(string name) => name switch
    {
        "trained" => ReleaseState.Trained,
        "embedding" => ReleaseState.Embedding,
        "ready" => ReleaseState.Ready,
        "active" => ReleaseState.Active,
        "retired" => ReleaseState.Retired,
        "failed" => ReleaseState.Failed,
        _ => throw new InputException($"The database knows a release state '{name}' that this version of TwoTower doesn't: update TwoTower."),
    };

    public static string Name(ReleaseState state) => state switch
    {
        ReleaseState.Trained => "trained",
        ReleaseState.Embedding => "embedding",
        ReleaseState.Ready => "ready",
        ReleaseState.Active => "active",
        ReleaseState.Retired => "retired",
        ReleaseState.Failed => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "No such state."),
    };

    public static string Name(VectorType type) => type == VectorType.HalfVec ? "halfvec" : "vector";
}
