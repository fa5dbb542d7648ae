using System.Runtime.ExceptionServices;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// A fixed number of threads that run the same work on their own share and wait for each other. A step has six such phases of a
/// millisecond or less; a thread pool doesn't promise that the shares run side by side.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    private readonly Barrier _barrier;
    private readonly Thread[] _threads;
    private readonly Exception?[] _failures;
    private volatile Action<int>? _work;

    public WorkerTeam(int size)
    {
        Size = size;
        _barrier = new Barrier(size);
        _failures = new Exception?[size];
        _threads = [.. Enumerable.Range(1, size - 1).Select(share => new Thread(() => Serve(share)) { IsBackground = true, Name = $"trainer {share}" })];
        foreach (var thread in _threads) thread.Start();
    }

    /// <summary>Threads, the calling one included.</summary>
    public int Size { get; }

    /// <summary>Runs <paramref name="work"/> with each share from 0 to <see cref="Size"/> − 1; returns when all have finished.</summary>
    public void Run(Action<int> work)
    {
        if (Size == 1)
        {
            work(0);
            return;
        }

        _work = work;
        _barrier.SignalAndWait();
        Try(work, 0);
        _barrier.SignalAndWait();
        if (Array.Find(_failures, f => f is not null) is { } failure)
        {
            Array.Clear(_failures);
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>The part of <paramref name="count"/> that is a share's, in multiples of <paramref name="unit"/> but for the end.</summary>
    public (int Begin, int End) Part(int share, int count, int unit = 1)
    {
        var units = (count + unit - 1) / unit;
        return (Math.Min(count, (int)((long)units * share / Size) * unit), Math.Min(count, (int)((long)units * (share + 1) / Size) * unit));
    }

    public void Dispose()
    {
        if (Size > 1)
        {
            _work = null;
            _barrier.SignalAndWait();
            foreach (var thread in _threads) thread.Join();
        }

        _barrier.Dispose();
    }

    private void Serve(int share)
    {
        while (true)
        {
            _barrier.SignalAndWait();
            if (_work is not { } work) return;
            Try(work, share);
            _barrier.SignalAndWait();
        }
    }

    // A share that fails must still reach the barrier, or the others would wait for ever; Run throws what it caught.
    private void Try(Action<int> work, int share)
    {
        try
        {
            work(share);
        }
#pragma warning disable CA1031 // rethrown by Run
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failures[share] = e;
        }
    }
}
