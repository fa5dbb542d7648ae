using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;

namespace TwoTower.Postgres.Releases;

/// <summary>Writes a release as a bundle: its files, its vectors from its table, the manifest over both.</summary>
internal static class ReleaseExport
{
    /// <summary>Why a release can't be exported; null: it can.</summary>
    public static string? Refuse(Release release) => release.State switch
    {
        ReleaseState.Ready or ReleaseState.Active => null,
        ReleaseState.Retired => $"Release {release.ModelVersion} is retired: its vectors are gone, and it can't be exported any more.",
        var state => $"Release {release.ModelVersion} is {ReleaseRow.Name(state)}: only one with all its vectors can be exported. Run 'twotower embed' first.",
    };

    /// <summary>Exports a release that has vectors (ready or active).</summary>
    /// <param name="modelVersion">The release; null takes the active one.</param>
    /// <param name="directory">Where the bundle goes (see <see cref="BundleWriter"/>).</param>
    /// <param name="time">Gives <c>generated_at</c>.</param>
    /// <param name="commitSha">Source commit for the manifest, if known.</param>
    /// <param name="progress">Vectors written.</param>
    /// <param name="ct">Cancels; what was at <paramref name="directory"/> stays.</param>
    /// <exception cref="InputException">No such release, or it has no vectors yet.</exception>
    public static async Task<Manifest> WriteAsync(
        NpgsqlDataSource db, string? modelVersion, string directory, TimeProvider time, string? commitSha = null,
        IProgress<long>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        var store = new ReleaseStore(db);
        var release = modelVersion is null
            ? await store.GetActiveAsync(ct) ?? throw new InputException("No release is active: name the one to export.")
            : await store.GetAsync(modelVersion, ct);
        if (Refuse(release) is { } reason) throw new InputException(reason);

        var files = await store.OpenAsync(release.ModelVersion, ct);
        var vectors = await ReleaseVectors.OpenAsync(db, release, ct);
        return await BundleWriter.WriteAsync(
            directory, release.ModelVersion, files, release.EmbeddingDim, vectors.ReadAsync(ct), time.GetUtcNow(), commitSha, progress, ct)
            ;
    }
}
