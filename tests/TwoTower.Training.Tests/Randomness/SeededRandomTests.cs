using TwoTower.Training.Randomness;

namespace TwoTower.Training.Tests.Randomness;

public class SeededRandomTests
{
    [Fact]
    public void The_generator_is_xoshiro256starstar()
    {
        // From state 1, 2, 3, 4: the first outputs of the authors' C code, which many ports quote.
        var random = new SeededRandom([1UL, 2, 3, 4]);
        IEnumerable<ulong> expected = (ulong[])[11520, 0, 1509978240, 1215971899390074240];
        Assert.Equal(expected, Enumerable.Range(0, 4).Select(_ => random.NextBits()));
    }

    [Fact]
    public void A_state_taken_goes_on_where_it_was()
    {
        var random = new SeededRandom(42, RandomPurpose.Epochs);
        random.NextBits();
        var copy = new SeededRandom(random.State);
        Assert.Equal(random.NextBits(), copy.NextBits());
    }

    [Fact]
    public void Each_purpose_has_numbers_of_its_own()
    {
        var firsts = Enum.GetValues<RandomPurpose>().Select(p => new SeededRandom(42, p).NextBits()).ToList();
        Assert.Equal(firsts.Count, firsts.Distinct().Count());
    }

    [Fact]
    public void Numbers_below_a_bound_are_even_and_a_shuffle_keeps_everything()
    {
        var random = new SeededRandom(1, RandomPurpose.Split);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++) counts[random.Next(7)]++;
        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));

        var values = Enumerable.Range(0, 1000).ToArray();
        random.Shuffle<int>(values);
        Assert.NotEqual(Enumerable.Range(0, 1000), values);
        Assert.Equal(Enumerable.Range(0, 1000), values.Order());
    }
}
