using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary>A release as JSON, the same from every verb.</summary>
internal static class ReleaseTable
{
    public static object Row(Release release) => new
    {
        release.ModelVersion,
        state = Name(release.State),
        release.StateReason,
        release.StateAt,
        release.Imported,
        release.Recipe,
        release.EmbeddingDim,
        vector_type = release.VectorType.ToString().ToLowerInvariant(),
        release.CreatedAt,
    };

    public static string Name(ReleaseState state) => state.ToString().ToLowerInvariant();
}
