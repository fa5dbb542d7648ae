using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Supabase.Stores;

namespace TwoTower.Supabase.Publishing;

/// <summary>A change of current/ that has begun.</summary>
/// <param name="From">What was there, and is in undo/; null: nothing.</param>
/// <param name="To">What comes.</param>
/// <param name="Files">The files that may have changed.</param>
internal sealed record Switching(string? From, string To, IReadOnlyList<string> Files);

/// <summary>What was done, for people.</summary>
/// <param name="What">publish, rollback or watch.</param>
internal sealed record PublicationStep(string ModelVersion, DateTimeOffset At, string What, string? Reason);

/// <summary><c>publications.json</c>: what was published, so that it can be gone back, and a change that isn't at its end.</summary>
internal sealed record PublicationJournal
{
    /// <summary>Versions, oldest first; the last is the current one. Going back takes the last away.</summary>
    public IReadOnlyList<string> Published { get; init; } = [];

    /// <summary>A change that was interrupted, or goes on.</summary>
    public Switching? Switching { get; init; }

    /// <summary>The latest steps, oldest first.</summary>
    public IReadOnlyList<PublicationStep> Log { get; init; } = [];

    /// <summary>Reads it; an empty one where there is none.</summary>
    public static async Task<PublicationJournal> ReadAsync(ArtifactStore store, string name, CancellationToken ct)
    {
        var json = await store.ReadAsync(name, ct);
        if (json is null) return new();
        try
        {
            return JsonSerializer.Deserialize<PublicationJournal>(json, SnakeCaseJson.Checked) ?? new();
        }
        catch (JsonException error)
        {
            throw new InputException($"{name} in {store.Name} can't be read ({error.Message}): delete it; what is published stays, and can't be rolled back to before it.", error);
        }
    }

    /// <summary>Writes it.</summary>
    public Task WriteAsync(ArtifactStore store, string name, CancellationToken ct) =>
        store.WriteAsync(name, JsonSerializer.SerializeToUtf8Bytes(this with
        {
            Log = [.. Log.TakeLast(100)],
            Published = [.. Published.TakeLast(50)]
        }, SnakeCaseJson.Indented), ct);
}
