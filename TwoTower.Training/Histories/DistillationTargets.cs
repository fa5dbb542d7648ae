using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Training.Randomness;
using TwoTower.Training.Towers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace TwoTower.Training.Histories;

/// <summary>
/// The closed-form model's scores, projected onto the rank that two towers can express: item vectors, and for whole, partial and mixed
/// histories the user vectors whose inner products with them give those scores.
/// </summary>
/// <param name="Items">What a user vector is multiplied with for the scores, row-major, [items × rank].</param>
/// <param name="Projection">What scores are multiplied with for the user vector, row-major, [items × rank].</param>
/// <param name="Histories">Likes and nopes.</param>
/// <param name="Targets">The user vector of each history, row-major, [histories × rank].</param>
/// <param name="Rank">Columns.</param>
internal sealed record DistillationTargets(
    float[] Items, float[] Projection, (int[] Likes, int[] Nopes)[] Histories, float[] Targets, int Rank)
{
    private const int BlockRows = 512;

    // A video weighs by how often it is among this many first of an answer, and by this share of the mean if it never is.
    private const int Head = 100;
    private const double LeastWeight = 0.05;

    // Inputs of the linear answer are about three times as many.
    private const long MostNumbers = int.MaxValue / 4;

    // Of the mean variance of a dimension: what a dimension that nobody uses is taken to have.
    private const double LeastSpread = 1e-4;

    // Subspace iteration (Halko, Martinsson and Tropp 2011): some columns more than wanted, and enough turns for a slow spectrum.
    private const int Oversampling = 48, Turns = 12;

    // What a mixed history keeps of the user, and what it takes of another.
    private static readonly (double Least, double Most) Own = (0.3, 1), Others = (0.1, 0.6);

    /// <summary>Refuses more targets than an array holds, before anything is fitted.</summary>
    /// <exception cref="InputException">Too many.</exception>
    public static void Check(HistoryOptions options, int users, int rank)
    {
        users = Math.Min(users, options.MaxUsers);
        if ((long)options.Copies * users * rank <= MostNumbers) return;
        throw new InputException(
            $"history.copies {options.Copies} × {users:N0} users (history.max_users {options.MaxUsers}) × {rank} dimensions "
                + $"(model.embedding_dim) are more numbers than one array holds: lower one of them");
    }

    /// <summary>Computes the targets.</summary>
    public static DistillationTargets Prepare(
        ClosedFormModel closedForm, Interactions data, int rank, HistoryOptions options, int seed, Device device, ParallelOptions parallel)
    {
        rank = Math.Min(rank, closedForm.Items);
        var random = new SeededRandom(seed, RandomPurpose.Histories);
        (int[] Likes, int[] Nopes)[] users = [.. data.Users.Where(user => Interactions.IsUsable(user.Likes))];
        random.Shuffle<(int[], int[])>(users);
        users = users[..Math.Min(users.Length, options.MaxUsers)];
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (items, projection) = Basis(closedForm, users, rank, options.HeadWeight, random, device, parallel);
        (int[] Likes, int[] Nopes)[] histories =
            [.. Enumerable.Range(0, options.Copies).SelectMany(copy => copy == 0 ? users : users.Select(user => Part(user, copy)))];
        var targets = new float[histories.Length * rank];
        foreach (var (scores, first, rows) in Blocks(closedForm, histories, parallel))
        {
            using var part = NewDisposeScope();
            scores.to(device).matmul(projection).ToFloats().CopyTo(targets.AsSpan(first * rank, rows * rank));
        }

        return new(items.ToFloats(), projection.ToFloats(), histories, targets, rank);

        // Every other one mixed.
        (int[], int[]) Part((int[] Likes, int[] Nopes) user, int copy) =>
            Mix(user, copy % 2 == 1 ? users[random.Next(users.Length)] : ([], []), random);
    }

    /// <summary>
    /// A part of a user's history with a part of another's, whose decisions don't count on videos that the user decided on. Users are few,
    /// and the closed-form model scores any history: trained on made-up mixtures too, the tower generalises better to new users.
    /// </summary>
    internal static (int[] Likes, int[] Nopes) Mix((int[] Likes, int[] Nopes) user, (int[] Likes, int[] Nopes) other, SeededRandom random)
    {
        var (own, others) = (Between(Own), Between(Others));
        var (likes, nopes) = (Thin(user.Likes, own, random), Thin(user.Nopes, own, random));
        var decided = user.Likes.Concat(user.Nopes).ToHashSet();
        int[] all = [.. likes, .. Thin(other.Likes, others, random).Where(item => !decided.Contains(item))];
        return Interactions.IsUsable(all)
            ? ([.. all.Order()],
                [.. nopes.Concat(Thin(other.Nopes, others, random).Where(item => !decided.Contains(item))).Order()]) : user;

        double Between((double Least, double Most) share) => share.Least + (share.Most - share.Least) * random.NextDouble();
    }

    /// <summary>An item whose score is nearly this for everybody: the least squares of a constant on the users' vectors. [rank]</summary>
    public float[] Everybody(double score, Device device)
    {
        using var scope = NewDisposeScope();
        var users = tensor(Targets, [Histories.Length, Rank]).to(device);
        var gram = users.t().matmul(users).to(ScalarType.Float64).Over(Histories.Length);
        gram = gram.Plus(gram.diagonal().mean().AtLeast(1e-12).Times(LeastSpread) * eye(Rank, dtype: ScalarType.Float64, device: device));
        return linalg.solve(gram, users.mean([0]).to(ScalarType.Float64)).Times(score).to(CPU).to(ScalarType.Float32).ToFloats();
    }

    // The directions of item space in which the scores of whole histories vary most, an item's error weighing the more the more
    // often it is at the head of an answer: with D the roots of the weights and S the answers, V the first eigenvectors of D SᵀS D, users
    // are S D V and items D⁻¹ V.
    private static (Tensor Items, Tensor Projection) Basis(
        ClosedFormModel closedForm, (int[] Likes, int[] Nopes)[] users, int rank, double headWeight, SeededRandom random, Device device,
        ParallelOptions parallel)
    {
        var n = closedForm.Items;
        var gram = zeros(n, n, device: device);
        var heads = zeros(n, ScalarType.Float32);
        foreach (var (scores, first, rows) in Blocks(closedForm, users, parallel))
        {
            using var part = NewDisposeScope();
            var block = scores.to(device);
            gram.addmm_(block.t(), block, 1, 1);
            heads.Add(Heads(scores, users.AsSpan(first, rows)));
        }

        var root = (heads / heads.mean()).Plus(LeastWeight).Power(headWeight / 2).to(device).unsqueeze(1);
        gram.mul_(root).mul_(root.t());
        var width = Math.Min(n, rank + Oversampling);
        var space = linalg.qr(tensor(random.Normal(n * width, 1), [n, width]).to(device)).Q;
        for (var turn = 0; turn < Turns; turn++)
        {
            parallel.CancellationToken.ThrowIfCancellationRequested();
            var next = linalg.qr(gram.matmul(space)).Q;
            space.Dispose();
            space = next;
        }

        // Ascending eigenvalues: the last columns are the largest.
        var (_, vectors) = linalg.eigh(space.t().matmul(gram).matmul(space).to(CPU).to(ScalarType.Float64));
        var basis = space.matmul(vectors.flip(1)[.., ..rank].to(ScalarType.Float32).to(device));
        return ((basis / root).contiguous(), (basis * root).contiguous());
    }

    // How often each item is at the head of these answers; decided videos aren't shown. [items]
    private static Tensor Heads(Tensor scores, ReadOnlySpan<(int[] Likes, int[] Nopes)> users)
    {
        List<long> rows = [], columns = [];
        for (var user = 0; user < users.Length; user++)
        {
            foreach (var item in users[user].Likes.Concat(users[user].Nopes))
            {
                rows.Add(user);
                columns.Add(item);
            }
        }

        var items = (int)scores.shape[1];
        var shown = scores.clone().index_put_(tensor(float.NegativeInfinity), tensor(rows), tensor(columns));
        var (values, indexes) = shown.topk(Math.Min(Head, items));
        return bincount(indexes.masked_select(values.isfinite()), minlength: items).to(ScalarType.Float32);
    }

    private static IEnumerable<(Tensor Scores, int First, int Rows)> Blocks(
        ClosedFormModel closedForm, (int[], int[])[] histories, ParallelOptions parallel)
    {
        var scores = new float[BlockRows * closedForm.Items];
        for (var first = 0; first < histories.Length; first += BlockRows)
        {
            parallel.CancellationToken.ThrowIfCancellationRequested();
            var rows = Math.Min(BlockRows, histories.Length - first);
            closedForm.Score(histories.AsMemory(first, rows), scores, parallel);
            using var block = tensor(scores, [BlockRows, closedForm.Items]);
            using var filled = block[..rows]; // a view: it would keep the block alive to the end of the outer scope
            yield return (filled, first, rows);
        }
    }

    private static int[] Thin(int[] items, double kept, SeededRandom random) => [.. items.Where(_ => random.NextDouble() < kept)];
}
