using System.Text.Json;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Releases;

/// <summary>A row of <c>two_tower.releases</c> as SQL brings it.</summary>
internal static class ReleaseRow
{
    /// <summary>The columns that <see cref="Read"/> reads, in its order, of a table called <c>r</c>.</summary>
    public const string Columns =
        "r.release_id, r.model_version, r.state, r.state_reason, r.state_at, r.origin, r.recipe, r.embedding_dim, r.vector_type, " +
        "r.config::text, r.metrics::text, r.created_at, r.traceparent";

    public static Release Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        ModelVersion = row.GetString(1),
        State = State(row.GetString(2)),
        StateReason = row.IsDBNull(3) ? null : row.GetString(3),
        StateAt = row.GetFieldValue<DateTimeOffset>(4),
        Imported = row.GetString(5) == "imported",
        Recipe = row.IsDBNull(6) ? null : row.GetString(6),
        EmbeddingDim = row.GetInt32(7),
        VectorType = row.GetString(8) == "halfvec" ? VectorType.HalfVec : VectorType.Vector,
        Config = JsonElement.Parse(row.GetString(9)),
        Metrics = JsonElement.Parse(row.GetString(10)),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(11),
        TraceParent = row.IsDBNull(12) ? null : row.GetString(12),
    };

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
