using System.Globalization;
using System.Text.Json;
using TwoTower.Core;

namespace TwoTower.Postgres.Releases;

/// <summary>A row of the registry. All of it but the state, and what comes with it, never changes.</summary>
internal sealed record Release
{
    /// <summary>Key; also names the table of the release's vectors.</summary>
    public required long Id { get; init; }

    /// <summary>Name by which everybody knows it: <c>recipe-yyyyMMddTHHmmssZ-hash</c> when trained here.</summary>
    public required string ModelVersion { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required ReleaseState State { get; init; }

    /// <summary>Why it is there, as the one who moved it said.</summary>
    public string? StateReason { get; init; }

    /// <summary>Since when, by the database's clock.</summary>
    public required DateTimeOffset StateAt { get; init; }

    /// <summary>True for a bundle that another program or database made.</summary>
    public bool Imported { get; init; }

    /// <summary>Recipe that was trained; null when a bundle doesn't say.</summary>
    public string? Recipe { get; init; }

    /// <summary>Length of its embeddings.</summary>
    public required int EmbeddingDim { get; init; }

    /// <summary>How its vectors are stored.</summary>
    public required VectorType VectorType { get; init; }

    /// <summary>The configuration it was trained with, as model_meta.json has it.</summary>
    public required JsonElement Config { get; init; }

    /// <summary>How the training went; what the gate measured.</summary>
    public required JsonElement Metrics { get; init; }

    /// <summary>When it was registered, by the database's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>W3C traceparent of the training or import that made it; null where nobody recorded a trace.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Its vectors' table: <c>two_tower.video_embeddings_7</c>, columns video_id, embedding, feature_hash, updated_at.</summary>
    public string Table => TableOf(Id);

    /// <summary>
    /// True when the SQL functions compute the features of its users and items (recipe key <c>features.use_rpc_features</c>, the default);
    /// false when the process does, from the tables.
    /// </summary>
    public bool UseRpcFeatures =>
        Config.ValueKind != JsonValueKind.Object
        || !Config.TryGetProperty("features", out var features) || features.ValueKind != JsonValueKind.Object
        || !features.TryGetProperty("use_rpc_features", out var flag) || flag.ValueKind != JsonValueKind.False;

    /// <summary>
    /// True when its vectors are nested (Matryoshka): the first numbers say the most, so that a part of them, from the first on, is a
    /// shorter model. Those of history recipes are; the last number of all only makes an item's length 1 and is 0 for users.
    /// </summary>
    public bool IsNested => IsNestedConfig(Config);

    /// <summary>The same of a configuration, as model_meta.json has it.</summary>
    internal static bool IsNestedConfig(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object
        && (config.TryGetProperty("kind", out var kind)
            ? kind.ValueKind == JsonValueKind.String && kind.ValueEquals("history")
            // Releases of before recipes had kinds.
            : config.TryGetProperty("history", out var history) && history.ValueKind == JsonValueKind.Object
                && history.TryGetProperty("enabled", out var flag) && flag.ValueKind == JsonValueKind.True);

    /// <summary>The table of a release's vectors.</summary>
    public static string TableOf(long id) => string.Create(CultureInfo.InvariantCulture, $"two_tower.video_embeddings_{id}");
}

/// <summary>One change of state, as the database recorded it.</summary>
/// <param name="From">Null when the release was registered.</param>
/// <param name="To">The state it went to.</param>
/// <param name="At">By the database's clock.</param>
internal sealed record ReleaseTransition(ReleaseState? From, ReleaseState To, DateTimeOffset At, string Actor, string? Reason);

/// <summary>What an activation did.</summary>
/// <param name="Changed">False when the release was active already.</param>
/// <param name="Previous">What was served before it; null with nothing.</param>
internal sealed record Activation(bool Changed, string? Previous);

/// <summary>A file of a release, as the registry has it.</summary>
/// <param name="Sha256">SHA-256 of its content, 64 lower-case hex digits.</param>
/// <param name="Freed">True: the release is retired, and the bytes are gone.</param>
internal sealed record StoredFile(string Path, string Sha256, long Size, bool Freed);

/// <summary>A release is retired and its files are freed: whoever meant the one that is served asks which that is by now.</summary>
internal sealed class ReleaseGoneException(string message) : InputException(message);
