using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

namespace TwoTower.Testing;

/// <summary>
/// A world in which it is known what is right: each video has one tag of the golden vocabulary, each user likes nine of the ten videos of
/// one tag, the last of them last; and towers whose score is the cosine of tags, or of tags mixed up.
/// </summary>
internal static class TasteWorld
{
    /// <summary>Videos, ten of each tag.</summary>
    public const int Videos = 200;

    /// <summary>Users.</summary>
    public const int Users = 300;

    /// <summary>Inserts videos 1..200 and users with their likes, a day each, and a nope of another tag.</summary>
    public static async Task InsertAsync(TestDatabase db)
    {
        var tags = string.Join(", ", TestCheckpoints.GoldenPipeline().TagTokens.Select(tag => $"'{tag.Replace("'", "''", StringComparison.Ordinal)}'"));
        await db.ExecuteAsync(
            $"""
            create function pg_temp.video(n int) returns uuid language sql as $$ select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
            create function pg_temp.viewer(n int) returns uuid language sql as $$ select md5('viewer ' || n)::uuid $$;
            insert into public.videos (id, title, price, duration_seconds, product_released_at)
            select pg_temp.video(n), 'video ' || n, 500, 1200, '2025-01-01Z' from generate_series(1, {Videos}) n;
            insert into public.video_tags (video_id, tag_name)
            select pg_temp.video(n), (array[{tags}])[1 + (n - 1) % 20] from generate_series(1, {Videos}) n;
            insert into public.profiles (user_id, created_at) select pg_temp.viewer(n), '2025-01-01Z' from generate_series(1, {Users}) n;
            insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
            select pg_temp.viewer(n), pg_temp.video(1 + n % 20 + 20 * ((n + k) % 10)), 'like', timestamptz '2025-06-01Z' + k * interval '1 day'
            from generate_series(1, {Users}) n, generate_series(1, 9) k;
            insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
            select pg_temp.viewer(n), pg_temp.video(1 + (n + 7) % 20), 'nope', '2025-07-01Z' from generate_series(1, {Users}) n;
            """);
    }

    /// <summary>A checkpoint whose towers pass the tags through.</summary>
    /// <param name="shift">0: a video's tag scores with users of that tag; otherwise with those of another one.</param>
    /// <param name="heldOut">Recipe key samples.held_out_users.</param>
    /// <param name="dim">Length of an embedding, 20 at least.</param>
    public static Checkpoint Checkpoint(int shift = 0, double heldOut = 0.5, int dim = 24)
    {
        var basis = TestCheckpoints.Random(dim);
        var tags = basis.Pipeline.TagTokens.Count;
        return basis with
        {
            Recipe = new Recipe { Name = "taste", Samples = new() { HeldOutUsers = heldOut }, Model = basis.Recipe.Model with { EmbeddingDim = dim } },
            User = new([Select(basis.User.InputDim, 9, 0), Identity(tags, tags), Identity(tags, dim)]),
            Item = new([Select(basis.Item.InputDim, 3, shift), Identity(tags, tags), Identity(tags, dim)]),
        };

        LinearWeights Select(int input, int first, int by) =>
            Weights(input, tags, (row, column) => column == first + (row + by) % tags ? 1 : 0);

        static LinearWeights Identity(int input, int output) => Weights(input, output, (row, column) => row == column ? 1 : 0);
    }

    // The bias keeps a vector of nothing away from zero.
    private static LinearWeights Weights(int input, int output, Func<int, int, float> weight) => new(
        input, output, [.. Enumerable.Range(0, output).SelectMany(row => Enumerable.Range(0, input).Select(column => weight(row, column)))],
        [.. Enumerable.Range(0, output).Select(row => 0.001f)]);
}
