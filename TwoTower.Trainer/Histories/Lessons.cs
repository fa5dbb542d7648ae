using TwoTower.Core.Configuration;
using TwoTower.Trainer.Towers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace TwoTower.Trainer.Histories;

/// <summary>
/// The teacher's answers cut down to a space that two towers can span: items' vectors, and for whole and partial histories the user vectors
/// that give the teacher's scores as inner products.
/// </summary>
/// <param name="Items">Orthonormal columns, row-major, [items × rank].</param>
/// <param name="Histories">Likes and nopes.</param>
/// <param name="Targets">The user vector of each history, row-major, [histories × rank].</param>
/// <param name="Rank">Columns.</param>
internal sealed record Lessons(float[] Items, (int[] Likes, int[] Nopes)[] Histories, float[] Targets, int Rank)
{
    private const int BlockRows = 512;

    // Subspace iteration (Halko, Martinsson and Tropp 2011): some columns more than wanted, and enough turns for a slow spectrum.
    private const int Oversampling = 48, Turns = 12;

    private const double LeastKept = 0.3;

    /// <summary>Prepares the lessons.</summary>
    public static Lessons Prepare(
        Teacher teacher, Interactions data, int rank, HistoryOptions options, int seed, Device device, ParallelOptions parallel)
    {
        rank = Math.Min(rank, teacher.Items);
        var random = new SeededRandom(seed, RandomPurpose.Histories);
        (int[] Likes, int[] Nopes)[] users = [.. data.Users.Where(user => Interactions.IsUsable(user.Likes))];
        random.Shuffle<(int[], int[])>(users);
        users = users[..Math.Min(users.Length, options.MaxUsers)];
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var items = Basis(teacher, users, rank, random, device, parallel);
        var histories = users.ToList();
        for (var copy = 1; copy < options.Copies; copy++)
        {
            foreach (var (likes, nopes) in users)
            {
                var kept = LeastKept + (1 - LeastKept) * random.NextDouble();
                var (fewer, fewerNopes) = (Thin(likes, kept, random), Thin(nopes, kept, random));
                if (Interactions.IsUsable(fewer)) histories.Add((fewer, fewerNopes));
            }
        }

        var targets = new float[histories.Count * rank];
        (int[], int[])[] all = [.. histories];
        foreach (var (scores, first, rows) in Blocks(teacher, all, parallel))
        {
            using var part = NewDisposeScope();
            scores.to(device).matmul(items).ToFloats().CopyTo(targets.AsSpan(first * rank, rows * rank));
        }

        return new(items.ToFloats(), all, targets, rank);
    }

    // The directions of item space in which the teacher's answers to whole histories vary most.
    private static Tensor Basis(
        Teacher teacher, (int[], int[])[] users, int rank, SeededRandom random, Device device, ParallelOptions parallel)
    {
        var n = teacher.Items;
        var gram = zeros(n, n, device: device);
        foreach (var (scores, _, _) in Blocks(teacher, users, parallel))
        {
            using var part = NewDisposeScope();
            var block = scores.to(device);
            gram.addmm_(block.t(), block, 1, 1);
        }

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
        return space.matmul(vectors.flip(1)[.., ..rank].to(ScalarType.Float32).to(device)).contiguous();
    }

    private static IEnumerable<(Tensor Scores, int First, int Rows)> Blocks(Teacher teacher, (int[], int[])[] histories, ParallelOptions parallel)
    {
        var scores = new float[BlockRows * teacher.Items];
        for (var first = 0; first < histories.Length; first += BlockRows)
        {
            parallel.CancellationToken.ThrowIfCancellationRequested();
            var rows = Math.Min(BlockRows, histories.Length - first);
            teacher.Score(histories.AsMemory(first, rows), scores, parallel);
            using var block = tensor(scores, [BlockRows, teacher.Items]);
            yield return (block[..rows], first, rows);
        }
    }

    private static int[] Thin(int[] items, double kept, SeededRandom random) => [.. items.Where(_ => random.NextDouble() < kept)];
}
