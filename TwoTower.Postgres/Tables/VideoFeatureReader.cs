using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>Reads <c>two_tower.video_features</c>: vectors of videos that another program made, by name.</summary>
internal static class VideoFeatureReader
{
    /// <summary>The vectors of videos.</summary>
    /// <param name="connection">An open connection to a migrated database.</param>
    /// <param name="videoIds">Which videos; null: all.</param>
    /// <param name="names">Which vectors; null: all.</param>
    /// <returns>By video, those that have any; each by name.</returns>
    public static async Task<Dictionary<Guid, Dictionary<string, float[]>>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid>? videoIds, IReadOnlyCollection<string>? names, CancellationToken ct)
    {
        var vectors = new Dictionary<Guid, Dictionary<string, float[]>>();
        if (names is { Count: 0 }) return vectors;
        List<string> conditions = [];
        if (videoIds is not null) conditions.Add("video_id = any (@ids)");
        if (names is not null) conditions.Add("name = any (@names)");
        var statement = connection.Sql(
            $"""
            select video_id, name, vector::real[] as vector from two_tower.video_features
            {(conditions.Count > 0 ? "where " + string.Join(" and ", conditions) : "")}
            """);
        if (videoIds is not null) statement.With<Guid[]>("ids", [.. videoIds]);
        if (names is not null) statement.With<string[]>("names", [.. names]);
        var rows = statement
            .StreamAsync(row => (Video: row.Get<Guid>("video_id"), Name: row.Get<string>("name"), Vector: row.Get<float[]>("vector")), ct);
        await foreach (var (video, name, vector) in rows)
        {
            if (!vectors.TryGetValue(video, out var own)) vectors.Add(video, own = []);
            own.Add(name, vector);
        }

        return vectors;
    }
}
