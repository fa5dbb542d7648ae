using Npgsql;

namespace TwoTower.Postgres.Serving;

/// <summary>The counts that the popular-and-fresh strategy ranks by.</summary>
/// <param name="db">The database.</param>
internal sealed class VideoStatistics(NpgsqlDataSource db)
{
    /// <summary>Counts anew, in the database.</summary>
    /// <returns>Rows that changed; null when another process is at it.</returns>
    public async Task<long?> RefreshAsync(CancellationToken ct = default)
    {
        await using var command = db.CreateCommand("select two_tower.refresh_video_statistics()");
        // The first count of a large catalogue takes longer than a request may.
        command.CommandTimeout = 300;
        return await command.ExecuteScalarAsync(ct).ConfigureAwait(false) as long?;
    }
}
