using TwoTower.Postgres.Connections;

namespace TwoTower.Embedding.Leases;

/// <summary>
/// Keeps a lease alive while its holder works, however long one step of that takes: only who is killed, stalled or cut off loses it.
/// </summary>
internal sealed class LeaseRenewal : IAsyncDisposable
{
    private readonly CancellationTokenSource _held;
    private readonly Task _renewing;

    /// <summary>Begins to renew, three times in the length of a lease.</summary>
    /// <param name="length">Length of the lease.</param>
    /// <param name="time">For the pauses.</param>
    /// <param name="renew">Renews it; false: somebody else has it.</param>
    /// <param name="ct">Cancels <see cref="Held"/>.</param>
    public LeaseRenewal(TimeSpan length, TimeProvider time, Func<CancellationToken, Task<bool>> renew, CancellationToken ct)
    {
        _held = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _renewing = RenewAsync(length / 3, time, renew, _held.Token);
    }

    /// <summary>Cancelled when the caller cancels or the lease is lost.</summary>
    public CancellationToken Held => _held.Token;

    /// <summary>True when another process has taken over.</summary>
    public bool Lost { get; private set; }

    /// <summary>Stops renewing.</summary>
    public async ValueTask DisposeAsync()
    {
        await _held.CancelAsync();
        await _renewing;
        _held.Dispose();
    }

    private async Task RenewAsync(TimeSpan pause, TimeProvider time, Func<CancellationToken, Task<bool>> renew, CancellationToken held)
    {
        try
        {
            while (!Lost)
            {
                await Task.Delay(pause, time, held);
                try
                {
                    Lost = !await renew(held);
                }
                catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
                {
                    // Tried again at the next turn; a database that stays away stops the work itself.
                }
            }

            await _held.CancelAsync();
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested)
        {
            // Given back.
        }
    }
}
