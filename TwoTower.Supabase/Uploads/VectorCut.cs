namespace TwoTower.Supabase.Uploads;

/// <summary>A shorter vector of a nested one, as <c>public.video_embeddings</c> has it
/// (TwoTower.Embedding.Publishing.PublicTable).</summary>
internal static class VectorCut
{
    /// <summary>The first numbers, and one more that makes the length 1.</summary>
    /// <param name="vector">A unit vector.</param>
    /// <param name="length">Numbers to give, at least 2.</param>
    public static float[] To(ReadOnlySpan<float> vector, int length)
    {
        if (length == vector.Length) return vector.ToArray();
        var cut = new float[length];
        vector[..(length - 1)].CopyTo(cut);
        var squares = 0f;
        foreach (var value in cut.AsSpan(0, length - 1)) squares += value * value;
        cut[^1] = (float)Math.Sqrt(Math.Max(0, 1 - (double)squares));
        return cut;
    }
}
