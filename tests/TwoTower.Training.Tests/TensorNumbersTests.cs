using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Tests;

[Collection(nameof(Torch))]
public sealed class TensorNumbersTests
{
    [Fact]
    public void Arithmetic_with_numbers_is_torchs_own()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1.5f, -2, 4]);
        var other = tensor([1f, 2, 3]);
        Assert.Equal([2.5f, 0, 7], x.Plus(other).ToFloats());
        Assert.Equal([1.6f, -1.9f, 4.1f], x.Plus(0.1).ToFloats());
        Assert.Equal([4.5f, -6, 12], x.Times(3).ToFloats());
        Assert.Equal([0.75f, -1, 2], x.Over(2).ToFloats());
        Assert.Equal([1.5f, 0, 4], x.AtLeast(0).ToFloats());
        Assert.Equal([2.25f, 4, 16], x.Squared().ToFloats());
        Assert.Equal([1, MathF.Sqrt(2), MathF.Sqrt(3)], other.Power(0.5).ToFloats());
        x.Add(other);
        Assert.Equal([2.5f, 0, 7], x.ToFloats());
        x.Divide(2);
        Assert.Equal([1.25f, 0, 3.5f], x.ToFloats());
    }

    // What isn't held fails here about five times in a hundred thousand calls; TwoTower.Architecture.Tests looks for all of it.
    [Fact]
    public async Task A_collection_in_the_middle_of_a_call_changes_nothing()
    {
        using var stop = new CancellationTokenSource();
        var collecting = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested) GC.Collect(0);
        });
        try
        {
            for (var i = 0; i < 5_000; i++)
            {
                using var scope = NewDisposeScope();
                var sum = tensor([3f]).Times(2).Plus(0.5).Squared().Over(0.5).AtLeast(1).Plus(tensor([1f]));
                Assert.Equal(85.5f, sum.item<float>());
            }
        }
        finally
        {
            await stop.CancelAsync();
            await collecting;
        }
    }
}
