using System.Numerics.Tensors;
using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Torture.Checking;

/// <summary>What one release says: its tower, from its files, and its vectors, from its table, both in memory.</summary>
internal sealed class ReleaseOracle : IDisposable
{
    private readonly UserTower _tower;
    private readonly IReadOnlyDictionary<Guid, float[]> _vectors;

    private ReleaseOracle(string modelVersion, UserTower tower, IReadOnlyDictionary<Guid, float[]> vectors) =>
        (ModelVersion, _tower, _vectors) = (modelVersion, tower, vectors);

    public string ModelVersion { get; }

    public static async Task<ReleaseOracle> ReadAsync(NpgsqlDataSource db, Release release, CancellationToken ct)
    {
        var tower = UserTower.FromFiles(await new ReleaseStore(db).OpenAsync(release.ModelVersion, ct));
        await using var command = db.CreateCommand($"select video_id, embedding::real[] from {release.Table}");
        await using var row = await command.ExecuteReaderAsync(ct);
        var vectors = new Dictionary<Guid, float[]>();
        while (await row.ReadAsync(ct)) vectors.Add(row.GetGuid(0), row.GetFieldValue<float[]>(1));
        return new(release.ModelVersion, tower, vectors);
    }

    /// <summary>The viewer's vector.</summary>
    public float[] Encode(UserPayload payload, DateTimeOffset asOf) => _tower.Encode(payload, asOf);

    /// <summary>Cosine of the viewer's vector and a video's; null without a vector.</summary>
    public double? Score(float[] viewer, Guid video) =>
        _vectors.TryGetValue(video, out var vector) ? TensorPrimitives.Dot(viewer, vector) : null;

    public void Dispose() => _tower.Dispose();
}
