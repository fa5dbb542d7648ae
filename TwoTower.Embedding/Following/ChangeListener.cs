using System.Threading.Channels;
using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Embedding.Following;

/// <summary>
/// Waits for the next look: the poll interval, or less when the database tells of a change (LISTEN two_tower_videos). Behind a
/// transaction pooler nothing is heard; the interval is what counts there.
/// </summary>
internal sealed class ChangeListener(NpgsqlDataSource db, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Channel<bool> _changed =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Waits this long, or until a change was told since the last wait.</summary>
    public async Task WaitAsync(TimeSpan interval, CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(interval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        try
        {
            await _changed.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The interval is over.
        }
    }

    /// <summary>Listens, on a connection of its own, until cancelled; a connection that is lost is made anew.</summary>
    public async Task ListenAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await using var connection = await db.OpenConnectionAsync(ct);
                connection.Notification += (_, _) => _changed.Writer.TryWrite(true);
                await connection.Sql("listen two_tower_videos").ExecuteAsync(ct);
                _changed.Writer.TryWrite(true); // what came before anybody listened
                while (true) await connection.WaitAsync(ct);
            }
            catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null && !ct.IsCancellationRequested)
            {
                // The loops that look at the database say what is wrong with it.
            }

            await Task.Delay(Pause, time, ct);
        }
    }
}
