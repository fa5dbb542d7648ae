using System.Numerics.Tensors;
using System.Security.Cryptography;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;

namespace TwoTower.Benchmarks.Tuning;

/// <summary>
/// A tenth of the users, by a stable hash, is kept out of training. Of each one's likes a fifth are targets and the rest, with the nopes,
/// the history that the model sees; every video that anyone in training liked is ranked.
/// </summary>
internal sealed class HeldOutUserSet
{
    private const int FewestLikes = 5;
    private const int Top = 20;
    private readonly List<(UserHistory History, HashSet<Guid> Targets)> _users = [];
    private readonly List<ItemPayload> _items;
    private readonly DateTimeOffset _asOf;

    public HeldOutUserSet(TableSet tables)
    {
        Training = tables with
        {
            Profiles = [.. tables.Profiles.Where(profile => !IsHeldOut(profile.UserId))],
            Decisions = [.. tables.Decisions.Where(decision => !IsHeldOut(decision.UserId))],
        };
        _asOf = Training.Decisions.Max(decision => decision.CreatedAt);
        var liked =
            Training.Decisions.Where(decision => decision.Type == DecisionType.Like).Select(decision => decision.VideoId).ToHashSet();
        _items = [.. PayloadBuilder.BuildItems(tables).Where(item => liked.Contains(item.VideoId))];

        foreach (var history in PayloadBuilder.Histories(tables).Where(history => IsHeldOut(history.UserId)))
        {
            var likes = history.Entries.Where(entry => entry.Type == DecisionType.Like && liked.Contains(entry.VideoId))
                .DistinctBy(entry => entry.VideoId).OrderBy(entry => Hash(history.UserId, entry.VideoId)).ToArray();
            if (likes.Length < FewestLikes) continue;
            var targets = likes[..Math.Max(1, likes.Length / 5)].Select(entry => entry.VideoId).ToHashSet();
            // As of now for the model: decisions after the training's end are still history.
            HistoryEntry[] seen = [.. history.Entries.Where(entry => !targets.Contains(entry.VideoId))
                .Select(entry => entry with { At = entry.At > _asOf ? _asOf : entry.At })];
            _users.Add((history with { Entries = seen }, targets));
        }
    }

    /// <summary>The tables without them.</summary>
    public TableSet Training { get; }

    public int Count => _users.Count;

    public int Items => _items.Count;

    /// <summary>Mean over users of targets among the first 20 ÷ min(20, targets), and the share of the videos in anyone's first
    /// 20.</summary>
    public (double Recall, double Coverage) Measure(UserTower user, ItemTower item)
    {
        var dim = user.EmbeddingDim;
        var vectors = new float[_items.Count * dim];
        item.Encode(_items, vectors);
        var scores = new float[_items.Count];
        var shown = new HashSet<Guid>();
        var recall = 0.0;
        foreach (var (history, targets) in _users)
        {
            var query = user.Encode(PayloadBuilder.BuildUser(history, _asOf), _asOf);
            var seen = history.Entries.Select(entry => entry.VideoId).ToHashSet();
            for (var i = 0; i < scores.Length; i++)
            {
                scores[i] = seen.Contains(_items[i].VideoId)
                    ? float.NegativeInfinity : TensorPrimitives.Dot<float>(query, vectors.AsSpan(i * dim, dim));
            }

            var first =
                Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(Top).Select(i => _items[i].VideoId).ToArray();
            shown.UnionWith(first);
            recall += first.Count(targets.Contains) / (double)Math.Min(Top, targets.Count);
        }

        return (recall / _users.Count, shown.Count / (double)_items.Count);
    }

    private static bool IsHeldOut(Guid user) => Hash(user, Guid.Empty) % 10 == 0;

    private static ulong Hash(Guid user, Guid video) =>
        BitConverter.ToUInt64(SHA256.HashData([.. user.ToByteArray(), .. video.ToByteArray()]));
}
