using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Baselines;

/// <summary>How many viewers of the training like both of two items, a row at a time.</summary>
internal sealed class CoLikes
{
    private readonly IReadOnlyList<(int[] Likes, int[] Nopes)> _viewers;
    private readonly List<int>[] _viewersOf;

    public CoLikes(Split split)
    {
        _viewers = split.TrainingViewers;
        _viewersOf = [.. split.Items.Select(_ => new List<int>())];
        for (var viewer = 0; viewer < _viewers.Count; viewer++)
        {
            foreach (var item in _viewers[viewer].Likes) _viewersOf[item].Add(viewer);
        }
    }

    public int ItemCount => _viewersOf.Length;

    /// <summary>Row <paramref name="item"/> of XᵀX into <paramref name="counts"/>, [ItemCount]; its diagonal is the item's likes.</summary>
    public void Row(int item, Span<float> counts)
    {
        counts.Clear();
        foreach (var viewer in _viewersOf[item])
        {
            foreach (var other in _viewers[viewer].Likes) counts[other]++;
        }
    }
}
