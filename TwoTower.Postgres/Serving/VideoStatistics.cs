using Microsoft.Extensions.Options;
using Npgsql;

namespace TwoTower.Postgres.Serving;

/// <summary>The counts that the popular-and-fresh strategy ranks by, and the tags as searches look at them.</summary>
/// <param name="options">How much a user counts; null: by the defaults.</param>
internal sealed class VideoStatistics(NpgsqlDataSource db, IOptions<PopularityOptions>? options = null)
{
    private readonly PopularityOptions _options = options?.Value ?? new PopularityOptions();

    /// <summary>Counts anew, in the database.</summary>
    /// <returns>Rows that changed; null when another process is at it.</returns>
    public async Task<long?> RefreshAsync(CancellationToken ct = default)
    {
        await using var command = db.CreateCommand("select two_tower.refresh_video_statistics($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = _options.Maturity });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _options.Spread });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _options.DecisionsPerDay });
        // The first count of a large catalogue takes longer than a request may.
        command.CommandTimeout = 300;
        return await command.ExecuteScalarAsync(ct).ConfigureAwait(false) as long?;
    }
}
