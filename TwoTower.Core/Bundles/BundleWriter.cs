using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Bundles;

/// <summary>Writes a bundle: the files of a release, its vectors as parquet, and the manifest over both.</summary>
public static class BundleWriter
{
    /// <summary>
    /// Writes the folder beside its place and then gives it its name: what is at <paramref name="directory"/> is the old bundle, or the
    /// whole new one, never half of it.
    /// </summary>
    /// <param name="directory">Where the bundle goes; an empty folder or an older bundle there is replaced, anything else refused.</param>
    /// <param name="modelVersion">Name of the model.</param>
    /// <param name="files">Networks and JSON.</param>
    /// <param name="dim">Length of a vector.</param>
    /// <param name="embeddings">The vectors, ordered by video id.</param>
    /// <param name="generatedAt">Goes into the manifest.</param>
    /// <param name="commitSha">Source commit, if known.</param>
    /// <param name="progress">Vectors written.</param>
    /// <param name="ct">Cancels; what was there stays.</param>
    /// <exception cref="InputException">The folder can't be written or holds something else.</exception>
    public static async Task<Manifest> WriteAsync(
        string directory, string modelVersion, ReleaseFileSet files, int dim, IAsyncEnumerable<EmbeddingBatch> embeddings,
        DateTimeOffset generatedAt, string? commitSha = null, IProgress<long>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(embeddings);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (File.Exists(target)) throw new InputException($"{target} is a file; a folder for the bundle was expected.");
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()
            && !File.Exists(Path.Combine(target, ArtifactNames.Manifest)))
        {
            throw new InputException($"{target} isn't empty and isn't a bundle: choose another folder.");
        }

        var temporary = $"{target}.{Path.GetRandomFileName()}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            foreach (var file in files.Files)
            {
                await File.WriteAllBytesAsync(Path.Combine(temporary, file.Path), file.Content, ct);
            }

            await WriteParquetAsync(Path.Combine(temporary, ArtifactNames.VideoEmbeddings), dim, embeddings, progress, ct);
            var manifest = ManifestBuilder.Build(temporary, modelVersion, generatedAt, commitSha);
            ct.ThrowIfCancellationRequested();
            Replace(target, temporary);
            return manifest;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{target} could not be written: {e.Message}; what was there is kept. Free some space or choose another folder.", e);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    private static async Task WriteParquetAsync(
        string path, int dim, IAsyncEnumerable<EmbeddingBatch> embeddings, IProgress<long>? progress, CancellationToken ct)
    {
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        await using var _ = stream;
        var writer = await EmbeddingParquetWriter.CreateAsync(stream, dim, ct);
        await using (writer)
        {
            await foreach (var batch in embeddings.WithCancellation(ct))
            {
                for (var i = 0; i < batch.VideoIds.Count; i++)
                {
                    await writer.AddAsync(batch.VideoIds[i], batch[i], ct);
                }

                progress?.Report(writer.Count);
            }
        }
    }

    private static void Replace(string target, string temporary)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(temporary, target);
            return;
        }

        // A folder can't take the name of one that holds files: the old one steps aside, and back if the new one can't come.
        var old = $"{temporary}.old";
        Directory.Move(target, old);
        try
        {
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Move(old, target);
            throw;
        }

        Directory.Delete(old, recursive: true);
    }
}
