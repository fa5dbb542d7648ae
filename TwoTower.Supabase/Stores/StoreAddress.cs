using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Stores;

/// <summary>Which store a text means: <c>supabase</c>, <c>s3://bucket/prefix</c>, or a folder.</summary>
internal static class StoreAddress
{
    /// <summary>Opens it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="bucket">The bucket of Supabase Storage.</param>
    /// <param name="supabase">Connects to the project where it is one.</param>
    /// <param name="variable">Reads a variable.</param>
    /// <exception cref="InputException">It is none of them, or can't be used.</exception>
    public static ArtifactStore Open(string text, string bucket, Func<SupabaseClient> supabase, Func<string, string?> variable)
    {
        if (text == "supabase") return new StorageStore(supabase(), bucket);
        if (text.StartsWith("s3://", StringComparison.Ordinal))
        {
            var parts = text["s3://".Length..].Split('/', 2);
            return parts[0].Length > 0
                ? new S3Store(parts[0], parts.Length > 1 ? parts[1] : "", variable)
                : throw new InputException($"'{text}' names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX.");
        }

        return text.Contains("://", StringComparison.Ordinal)
            ? throw new InputException($"'{text}' is no place to publish to: write supabase, s3://BUCKET/PREFIX, or a folder.")
            : new FolderStore(text);
    }
}
