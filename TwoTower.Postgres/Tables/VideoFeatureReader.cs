using Npgsql;

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
        await using var command = connection.CreateCommand();
        if (videoIds is not null) Add("video_id", videoIds.ToArray());
        if (names is not null) Add("name", names.ToArray());
        command.CommandText =
            $"select video_id, name, vector::real[] from two_tower.video_features {(conditions.Count > 0 ? "where " + string.Join(" and ", conditions) : "")}";
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var video = reader.GetGuid(0);
            if (!vectors.TryGetValue(video, out var own)) vectors.Add(video, own = []);
            own.Add(reader.GetString(1), reader.GetFieldValue<float[]>(2));
        }

        return vectors;

        void Add(string column, object values)
        {
            command.Parameters.Add(new() { Value = values });
            conditions.Add($"{column} = any (${command.Parameters.Count})");
        }
    }
}
