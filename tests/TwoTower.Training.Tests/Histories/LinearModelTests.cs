using TorchSharp;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Testing;
using TwoTower.Training.Histories;
using TwoTower.Training.Tests.Loop;

namespace TwoTower.Training.Tests.Histories;

[Collection(nameof(Torch))]
public class LinearModelTests
{
    private const int Items = 5;

    private static readonly (int[] Likes, int[] Nopes)[] Users =
    [
        ([0, 1, 2], [4]), ([0, 1], []), ([1, 2, 3], [0]), ([3, 4], [1, 2]), ([0, 4], [3]), ([2], [0, 1]), ([1, 3, 4], []),
    ];

    // Two tags, worked out by hand: idf ln(5/2) and ln(5/3); only video 1 has both.
    private static readonly ContentVectors Contents = new(
        [.. new[] { "a", "a b", "b", "b", "" }.Select(tags => new VideoRow { Id = Guid.NewGuid(), Tags = tags.Split(' ', StringSplitOptions.RemoveEmptyEntries) })]);

    private static readonly Func<int, double>[] Tags =
    [
        column => column switch { 0 => 1, 1 => 0.8734, _ => 0 },
        column => column switch { 1 => 0.4869, 2 or 3 => 1, _ => 0 },
    ];

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.5, 0, 0)]
    [InlineData(0, 0.3, 0)]
    [InlineData(0.5, 0.7, 0)]
    [InlineData(0.5, 0.7, 2.5)]
    public void Each_column_is_the_ridge_regression_of_a_videos_decisions_on_the_other_videos(
        double userWeight, double nopeTarget, double contentWeight)
    {
        const double ridge = 1.5;
        var options = new HistoryOptions { Ridge = ridge, NopeTarget = nopeTarget, UserWeight = userWeight, ContentWeight = contentWeight };
        var model = LinearModel.Fit(Users, Contents, options, torch.CPU, 1, default);
        double[] weights = [.. Users.Select(user => Math.Pow(user.Likes.Length + user.Nopes.Length + 5, -userWeight))];
        var mean = weights.Average();
        for (var target = 0; target < Items; target++)
        {
            // Ordinary normal equations over the columns that are not the video's own.
            int[] columns = [.. Enumerable.Range(0, 2 * Items).Where(column => column % Items != target)];
            var (matrix, right) = (new double[columns.Length, columns.Length], new double[columns.Length]);
            for (var user = 0; user < Users.Length; user++)
            {
                double[] row = [.. columns.Select(column => Decided(Users[user], column) ? 1.0 : 0)];
                var y = Decided(Users[user], target) ? 1 : Decided(Users[user], Items + target) ? -nopeTarget : 0;
                for (var i = 0; i < columns.Length; i++)
                {
                    right[i] += weights[user] / mean * row[i] * y;
                    for (var j = 0; j < columns.Length; j++) matrix[i, j] += weights[user] / mean * row[i] * row[j];
                }
            }

            // A tag is one more user, who likes the videos as strongly as it describes them.
            foreach (var tag in Tags)
            {
                for (var i = 0; i < columns.Length; i++)
                {
                    right[i] += contentWeight * tag(columns[i]) * tag(target);
                    for (var j = 0; j < columns.Length; j++) matrix[i, j] += contentWeight * tag(columns[i]) * tag(columns[j]);
                }
            }

            for (var i = 0; i < columns.Length; i++) matrix[i, i] += ridge;
            var solution = Solve(matrix, right);
            for (var i = 0; i < columns.Length; i++) Close.Equal(solution[i], model.Weights[columns[i] * Items + target], $"B[{columns[i]}, {target}]", 1e-4);
            Assert.Equal(0, model.Weights[target * Items + target]);
            Assert.Equal(0, model.Weights[(Items + target) * Items + target]);
        }
    }

    [Fact]
    public void A_score_is_the_sum_of_what_likes_and_nopes_add()
    {
        var model = LinearModel.Fit(Users, Contents, new() { Ridge = 1 }, torch.CPU, 1, default);
        var scores = new float[Items];
        model.Score([0, 2], [3], scores);
        for (var item = 0; item < Items; item++)
        {
            Close.Equal(model.Weights[item] + model.Weights[2 * Items + item] + model.Weights[(Items + 3) * Items + item], scores[item], $"[{item}]");
        }
    }

    private static bool Decided((int[] Likes, int[] Nopes) user, int column) =>
        column < Items ? user.Likes.Contains(column) : user.Nopes.Contains(column - Items);

    // Gauss.
    private static double[] Solve(double[,] a, double[] b)
    {
        var n = b.Length;
        for (var pivot = 0; pivot < n; pivot++)
        {
            for (var row = pivot + 1; row < n; row++)
            {
                var factor = a[row, pivot] / a[pivot, pivot];
                for (var column = pivot; column < n; column++) a[row, column] -= factor * a[pivot, column];
                b[row] -= factor * b[pivot];
            }
        }

        for (var row = n - 1; row >= 0; row--)
        {
            for (var column = row + 1; column < n; column++) b[row] -= a[row, column] * b[column];
            b[row] /= a[row, row];
        }

        return b;
    }

    [Fact]
    public void Without_nopes_half_of_the_matrix_is_solved_and_the_weights_are_the_same()
    {
        (int[] Likes, int[] Nopes)[] likers = [.. Users.Select(user => (user.Likes, (int[])[]))];
        HistoryOptions options = new() { Ridge = 1.5, ContentWeight = 0.4 };
        var alone = LinearModel.Fit(likers, Contents, options, torch.CPU, 1, default);
        // A nope of somebody who weighs next to nothing asks for the whole matrix.
        var whole =
            LinearModel.Fit([.. likers, ([], [4])], Contents, options with { UserWeight = 0, NopeTarget = 0 }, torch.CPU, 1, default);
        var same = LinearModel.Fit([.. likers, ([], [])], Contents, options with { UserWeight = 0 }, torch.CPU, 1, default);

        Assert.Equal((Items * Items, 2 * Items * Items), (alone.Weights.Length, whole.Weights.Length));
        Assert.False(alone.HasNopes);
        for (var i = 0; i < Items * Items; i++) Close.Equal(whole.Weights[i], same.Weights[i], $"[{i}]", 1e-4);
        var (scores, noped) = (new float[Items], new float[Items]);
        alone.Score([0], [], scores);
        alone.Score([0], [1], noped);
        Assert.Equal(scores, noped);
        Assert.Equal(4 * LinearModel.MostBytes(Items, false), LinearModel.MostBytes(Items, true));
    }
}
