using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// target = Σ scale · row. Four rows go in at a time, so that the target is read and written once for four: that is what limits it.
/// </summary>
internal ref struct ScaledSum(Span<float> target)
{
    private readonly Span<float> _target = target;
    private ReadOnlySpan<float> _a, _b, _c;
    private float _scaleA, _scaleB, _scaleC;
    private int _waiting;
    private bool _started;

    /// <summary>Adds a row of the target's length; it may be read as late as in <see cref="Finish"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ReadOnlySpan<float> row, float scale)
    {
        switch (_waiting++)
        {
            case 0:
                _scaleA = scale;
                _a = row;
                break;
            case 1:
                _scaleB = scale;
                _b = row;
                break;
            case 2:
                _scaleC = scale;
                _c = row;
                break;
            default:
                Flush(row, scale);
                break;
        }
    }

    /// <summary>The target holds the sum after this; zeros if nothing was added.</summary>
    public void Finish()
    {
        if (_waiting == 0)
        {
            if (!_started) _target.Clear();
            return;
        }

        // A row with scale zero stands in for the ones that are missing.
        if (_waiting < 2)
        {
            _b = _a;
            _scaleB = 0;
        }

        if (_waiting < 3)
        {
            _c = _a;
            _scaleC = 0;
        }

        Flush(_a, 0);
    }

    private void Flush(ReadOnlySpan<float> d, float scaleD)
    {
        ref var y = ref MemoryMarshal.GetReference(_target);
        ref var a = ref MemoryMarshal.GetReference(_a);
        ref var b = ref MemoryMarshal.GetReference(_b);
        ref var c = ref MemoryMarshal.GetReference(_c);
        ref var last = ref MemoryMarshal.GetReference(d);
        var (wa, wb, wc, wd) =
            (new Vector<float>(_scaleA), new Vector<float>(_scaleB), new Vector<float>(_scaleC), new Vector<float>(scaleD));
        var i = 0;
        for (; i <= _target.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var at = (nuint)i;
            var sum = _started ? Vector.LoadUnsafe(ref y, at) : Vector<float>.Zero;
            sum = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref a, at), wa, sum);
            sum = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref b, at), wb, sum);
            sum = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref c, at), wc, sum);
            Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref last, at), wd, sum).StoreUnsafe(ref y, at);
        }

        for (; i < _target.Length; i++)
        {
            var sum = _started ? _target[i] : 0;
            _target[i] = sum + _scaleA * _a[i] + _scaleB * _b[i] + _scaleC * _c[i] + scaleD * d[i];
        }

        (_waiting, _started) = (0, true);
    }
}
