using TwoTower.Core.Rows;
using TwoTower.Testing;
using TwoTower.Training.Histories;

namespace TwoTower.Training.Tests.Histories;

public class ContentVectorsTests
{
    private readonly ContentVectors _contents = new(
        [.. new[] { "a c", "a b c", "b c", "b c", "c" }.Select(tags => new VideoRow { Id = Guid.NewGuid(), Tags = tags.Split(' ') })]);

    [Fact]
    public void What_every_item_has_says_nothing_and_what_few_have_says_more()
    {
        // idf: a ln(5/2), b ln(5/3), c 0.
        Close.Equal(0.8734, _contents.Cosine(0, 1), "a against a and b", 1e-3);
        Close.Equal(0.4869, _contents.Cosine(1, 2), "a and b against b", 1e-3);
        Assert.Equal(0, _contents.Cosine(0, 2));
        Assert.Equal(0, _contents.Cosine(4, 4));
    }

    [Fact]
    public void Added_cosines_are_those_of_each_pair()
    {
        for (var item = 0; item < _contents.Count; item++)
        {
            var sums = Enumerable.Repeat(1f, _contents.Count).ToArray();
            _contents.AddCosines(item, 3, sums);
            for (var other = 0; other < sums.Length; other++) Close.Equal(1 + 3 * _contents.Cosine(item, other), sums[other], $"[{item}, {other}]", 1e-5);
        }
    }

    [Fact]
    public void Groups_are_of_the_tokens_that_neither_one_item_nor_too_many_have()
    {
        Assert.Equal([[0, 1]], _contents.Groups(0.4));
        Assert.Equal([[0, 1], [1, 2, 3]], _contents.Groups(0.6));
        Assert.Empty(_contents.Groups(0));
    }
}
