using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.ServiceDefaults.Database;

/// <summary>
/// Waits for a database that is still starting. A job calls it before its work; orchestrators that order starts know only that the
/// container runs, not that the server answers.
/// </summary>
internal static class DatabaseWait
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Returns when a connection opens.</summary>
    /// <param name="patience">How long it may take.</param>
    /// <param name="time">Measures the patience.</param>
    /// <param name="logger">Gets one line when the first try failed.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="InputException">It didn't answer in time, or refused us for a reason that waiting doesn't change.</exception>
    public static Task WaitUntilReadyAsync(
        this NpgsqlDataSource dataSource, TimeSpan patience, TimeProvider time, ILogger logger, CancellationToken ct = default) =>
        dataSource.WaitUntilReadyAsync(
            patience, time, reason => logger.LogWarning("Waiting up to {Patience} for the database: {Reason}", patience, reason), ct);

    /// <summary>Returns when a connection opens.</summary>
    /// <param name="patience">How long it may take.</param>
    /// <param name="time">Measures the patience.</param>
    /// <param name="waiting">Told the reason when the first try failed.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="InputException">It didn't answer in time, or refused us for a reason that waiting doesn't change.</exception>
    public static async Task WaitUntilReadyAsync(
        this NpgsqlDataSource dataSource, TimeSpan patience, TimeProvider time, Action<string> waiting, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(waiting);
        var started = time.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(200);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(ct);
                return;
            }
            catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
            {
                // A refusal (password, database name) stays, also one that a pooler hands on as 08…; a server that is starting, stopping,
                // full or silent passes.
                if (!DatabaseErrors.IsPassing(e) || e is PostgresException { SqlState: ['0', '8', ..] })
                {
                    throw new InputException($"the database refuses the connection: {e.Message}", e);
                }

                var left = patience - time.GetElapsedTime(started);
                if (left <= TimeSpan.Zero)
                {
                    throw new InputException($"the database didn't answer within {patience.TotalSeconds:0} s: {e.Message}", e);
                }

                if (attempt == 1)
                {
                    waiting(e.Message);
                }

                await Task.Delay(pause < left ? pause : left, time, ct);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}
