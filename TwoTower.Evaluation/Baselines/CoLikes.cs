using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Baselines;

/// <summary>How many users of the training like both of two items, a row at a time.</summary>
internal sealed class CoLikes
{
    private readonly IReadOnlyList<(int[] Likes, int[] Nopes)> _users;
    private readonly List<int>[] _likersOf;

    public CoLikes(Split split)
    {
        _users = split.TrainingUsers;
        _likersOf = [.. split.Items.Select(_ => new List<int>())];
        for (var user = 0; user < _users.Count; user++)
        {
            foreach (var item in _users[user].Likes) _likersOf[item].Add(user);
        }
    }

    public int ItemCount => _likersOf.Length;

    /// <summary>Row <paramref name="item"/> of XᵀX into <paramref name="counts"/>, [ItemCount]; its diagonal is the item's likes.</summary>
    public void Row(int item, Span<float> counts)
    {
        counts.Clear();
        foreach (var user in _likersOf[item])
        {
            foreach (var other in _users[user].Likes) counts[other]++;
        }
    }
}
