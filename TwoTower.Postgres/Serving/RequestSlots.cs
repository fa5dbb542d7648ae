using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Serving;

/// <summary>Why a request wasn't served although nothing is wrong with it.</summary>
internal enum Shed
{
    /// <summary>As many requests as may are at work, and as many as may wait.</summary>
    Overloaded,

    /// <summary>The deadline passed.</summary>
    OutOfTime,
}

/// <summary>A request that a limit ended. It may be sent again.</summary>
internal sealed class RequestShedException(Shed why, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Which limit.</summary>
    public Shed Why => why;
}

/// <summary>
/// The turns of requests at the database: so many at once, so many waiting, each for so long. A request whose time is over is left, not
/// cancelled: Npgsql cancels by another connection and waits for it on the calling thread, and a silent server would take the process's
/// threads with it. What was left keeps its turn until it really ends, so there are never more of them than turns.
/// </summary>
/// <param name="options">How many, and for how long.</param>
/// <param name="time">Measures the deadline.</param>
internal sealed class RequestSlots(IOptions<ServingLimits> options, TimeProvider time) : IDisposable
{
    private readonly ServingLimits _limits = options.Value;
    private readonly SemaphoreSlim _free = new(options.Value.ConcurrentRequests);
    private int _waiting, _overdue;

    /// <summary>Runs a request's work when it is its turn.</summary>
    /// <typeparam name="T">The answer.</typeparam>
    /// <param name="work">Gets a token that is cancelled at the deadline, or when the client has left, to be
    /// looked at between two queries. It must use nothing of the request's connection: it may outlive it.</param>
    /// <param name="left">The client has left: nobody waits for the answer any more, and the work ends by itself.</param>
    /// <exception cref="RequestShedException">There was no turn, or no time.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken left)
    {
        ArgumentNullException.ThrowIfNull(work);
        var started = time.GetTimestamp();
        left.ThrowIfCancellationRequested();
        if (!_free.Wait(0, CancellationToken.None)) await WaitAsync(left);
        var running = RunToItsEndAsync(work, new(Remaining(started), time), left);
        try
        {
            return await running.WaitAsync(Remaining(started), time, left);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !left.IsCancellationRequested)
        {
            throw new RequestShedException(Shed.OutOfTime, $"It took more than {_limits.Deadline.TotalSeconds:0.#} s.", e);
        }
        finally
        {
            if (!running.IsCompleted) _ = LeaveAsync(running);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();

    private TimeSpan Remaining(long started)
    {
        var remaining = _limits.Deadline - time.GetElapsedTime(started);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.FromMilliseconds(1);
    }

    private async Task WaitAsync(CancellationToken left)
    {
        try
        {
            // Where every turn is held by a request that was given up on, the database is silent: waiting helps nobody.
            if (Interlocked.Increment(ref _waiting) > _limits.WaitingRequests
                || Volatile.Read(ref _overdue) >= _limits.ConcurrentRequests) throw Overloaded();
            if (!await _free.WaitAsync(_limits.Deadline, left)) throw Overloaded();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<T> RunToItsEndAsync<T>(Func<CancellationToken, Task<T>> work, CancellationTokenSource expiry, CancellationToken left)
    {
        try
        {
            using (expiry)
            using (var over = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, left))
            {
                over.Token.ThrowIfCancellationRequested(); // it left while it waited
                return await work(over.Token);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task LeaveAsync(Task running)
    {
        Interlocked.Increment(ref _overdue);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Interlocked.Decrement(ref _overdue);
    }

    private RequestShedException Overloaded() =>
        new(Shed.Overloaded, $"{_limits.ConcurrentRequests} requests are at work already, and no turn came.");
}
