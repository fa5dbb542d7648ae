using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// <c>probes.json</c>: inputs with the embeddings that the trainer's own weights give for them, computed apart from ONNX. A release whose
/// networks, vocabularies or standardisers aren't those of its training gives others. The users are made up from the fitted numbers (no
/// user's data leaves with a release); the videos are real ones, as they were in training, where the checkpoint has them.
/// </summary>
/// <param name="AsOf">Time that the users' ages are counted to.</param>
/// <param name="Users">User inputs.</param>
/// <param name="Items">Item inputs.</param>
internal sealed record ProbeSet(DateTimeOffset AsOf, IReadOnlyList<UserProbe> Users, IReadOnlyList<ItemProbe> Items)
{
    /// <summary>Probes of each side.</summary>
    public const int Count = 32;

    /// <summary>A few items, evenly spread over those given.</summary>
    public static IReadOnlyList<ItemPayload> Choose(IReadOnlyList<ItemPayload> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return items.Count <= Count ? items : [.. Enumerable.Range(0, Count).Select(i => items[(int)((long)i * items.Count / Count)])];
    }

    /// <summary>Computes the probes of a checkpoint. The same checkpoint gives the same.</summary>
    public static ProbeSet Make(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var features = CheckpointFeatures.Of(checkpoint);
        var asOf = checkpoint.Pipeline.AsOf;
        var items = checkpoint.Probes.Count > 0 ? checkpoint.Probes : MadeUpProbes.Items(checkpoint.Pipeline, Count);
        return new(
            asOf,
            [.. MadeUpProbes.Users(checkpoint.Pipeline, Count).Select((payload, i) =>
            {
                if (checkpoint.History is { } history) payload = payload with { History = MadeUpProbes.History(history.Half, i) };
                var vector = new float[features.User.Dim];
                features.User.Encode(payload, asOf, vector);
                return new UserProbe(payload, TowerForward.Encode(checkpoint.User, vector));
            })],
            [.. items.Select(payload =>
            {
                var vector = new float[features.Item.Dim];
                features.Item.Encode(payload, vector);
                return new ItemProbe(payload, TowerForward.Encode(checkpoint.Item, vector))
                {
                    History = checkpoint.History is { } history ? TowerForward.Encode(history.Tower, vector, normalize: false) : null,
                };
            })]);
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">It isn't JSON of this shape.</exception>
    public static ProbeSet Parse(ReadOnlySpan<byte> json, string source)
    {
        try
        {
            var probes = JsonSerializer.Deserialize(json, ProbeJson.Default.ProbeSet);
            return probes is { Users: not null, Items: not null } ? probes : throw new JsonException("users and items were expected");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source} can't be read: {e.Message}", e);
        }
    }

    /// <summary>The file's bytes.</summary>
    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, ProbeJson.Default.ProbeSet), (byte)'\n'];

    internal static IReadOnlyList<ItemPayload> ParseItems(string json)
    {
        try
        {
            return [.. (JsonSerializer.Deserialize(json, PayloadJson.Default.ItemPayloadArray) ?? []).Select(item => item.Complete())];
        }
        catch (JsonException e)
        {
            throw new InputException($"metadata probes is not readable: {e.Message}", e);
        }
    }
}

/// <summary>A user input and its embedding.</summary>
/// <param name="Payload">What is said to be known of the user.</param>
/// <param name="Embedding">[embedding_dim].</param>
internal sealed record UserProbe(
    UserPayload Payload, [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] float[] Embedding);

/// <summary>An item input and its embedding.</summary>
/// <param name="Payload">The video as it was in training.</param>
/// <param name="Embedding">[embedding_dim].</param>
internal sealed record ItemProbe(
    ItemPayload Payload, [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] float[] Embedding)
{
    /// <summary>The history vector, where the release has a history tower.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float[]? History { get; init; }
}
