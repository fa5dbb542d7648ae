using System.Security.Cryptography;
using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Stores;

namespace TwoTower.Supabase.Publishing;

/// <summary>
/// ONNX Runtime's WebAssembly in Storage, where the edge functions (<c>supabase/functions/_shared/foreign.ts</c>) look for it: it is too
/// large for a function.
/// </summary>
internal static class EdgeRuntime
{
    /// <summary>The bucket.</summary>
    public const string Bucket = "model-artifacts";

    /// <summary>The npm package that has the file.</summary>
    public const string Package = "onnxruntime-web@1.30.0";

    /// <summary>The file's name.</summary>
    public const string FileName = "ort-wasm-simd-threaded.wasm";

    /// <summary>Where it lies in the bucket.</summary>
    public const string Path = "runtime/onnxruntime-web-1.30.0/" + FileName;

    /// <summary>The SHA-256 that the functions hold it to, in lower case.</summary>
    public const string Sha256 = "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2";

    /// <summary>Puts the file there, and reads it back.</summary>
    /// <param name="store">The bucket's store.</param>
    /// <param name="file">Where the file is on this machine.</param>
    /// <returns>False: it was there already.</returns>
    /// <exception cref="InputException">It is another file or can't be read, or the store refuses it.</exception>
    /// <exception cref="RemoteException">What the store gives back is not what was sent.</exception>
    public static async Task<bool> UploadAsync(ArtifactStore store, string file, Action<string> say, CancellationToken ct)
    {
        if (await HashAsync(file, ct) is var hash && hash != Sha256)
        {
            throw new InputException(
                $"{file} has the SHA-256 {hash}, and the edge functions run the one with {Sha256} alone: take dist/{FileName} of the npm package {Package}.");
        }

        await store.PrepareAsync(say, ct);
        if (await store.HashAsync(Path, ct) is { Sha256: Sha256 }) return false;
        await store.WriteAsync(Path, file, ct);
        if (await store.HashAsync(Path, ct) is { Sha256: Sha256 }) return true;
        throw new RemoteException($"{store.Name} doesn't give {Path} back as it was sent; run the same command again.");
    }

    private static async Task<string> HashAsync(string file, CancellationToken ct)
    {
        try
        {
            await using var stream = File.OpenRead(file);
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file} can't be read: {error.Message}", error);
        }
    }
}
