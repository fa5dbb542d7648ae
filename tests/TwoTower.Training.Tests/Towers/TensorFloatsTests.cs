using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Tests.Towers;

public sealed class TensorFloatsTests
{
    [Theory]
    [InlineData(1)] // less than a row
    [InlineData(4)]
    [InlineData(10)] // two rows and a half
    [InlineData(1000)]
    public void A_tensor_is_copied_block_by_block_whatever_lies_where_in_memory(int blockNumbers)
    {
        using var scope = NewDisposeScope();
        var rows = arange(0, 28, ScalarType.Float64).reshape(4, 7);
        var copied = new float[28];

        rows.t().CopyTo(copied, blockNumbers); // 7 × 4, column by column in memory

        Assert.Equal(Enumerable.Range(0, 28).Select(i => (float)(i % 4 * 7 + i / 4)), copied);
    }

    [Fact]
    public void A_single_number_and_no_numbers_are_tensors_too()
    {
        using var scope = NewDisposeScope();

        Assert.Equal([3f], tensor(3.0).ToFloats());
        Assert.Empty(zeros(0, 5).ToFloats());
        Assert.Throws<ArgumentException>(() => zeros(2).CopyTo(new float[3]));
    }
}
