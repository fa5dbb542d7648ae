using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Serving;

/// <summary>The counts that the popular-and-fresh strategy ranks by, and the tags as searches look at them.</summary>
/// <param name="options">How much a user counts; null: by the defaults.</param>
internal sealed class VideoStatistics(NpgsqlDataSource db, IOptions<PopularityOptions>? options = null)
{
    private readonly PopularityOptions _options = options?.Value ?? new PopularityOptions();

    /// <summary>Counts anew, in the database.</summary>
    /// <returns>Rows that changed; null when another process is at it.</returns>
    public Task<long?> RefreshAsync(CancellationToken ct = default) =>
        WholeTables.UntimedAsync(
            db,
            connection => connection.Sql("select two_tower.refresh_video_statistics(@maturity, @spread, @decisions_per_day)")
                .With("maturity", _options.Maturity).With("spread", _options.Spread).With("decisions_per_day", _options.DecisionsPerDay)
                .WithTimeout(0) // the first count of a large catalogue takes longer than a request may
                .ScalarAsync<long?>(ct), ct);

    /// <summary>The values of videos and profiles that answers have NULL in place of, by column; looks at every row.</summary>
    public async Task<IReadOnlyList<OddValue>> FindOddValuesAsync(CancellationToken ct = default)
    {
        var odd = await WholeTables.UntimedAsync(db, connection => OddValues.FindAsync(connection, ct), ct);
        ServingTelemetry.Odd(odd);
        return odd;
    }
}
