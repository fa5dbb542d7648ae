using System.Runtime.CompilerServices;
using Npgsql;
using Pgvector;
using TwoTower.Core.Bundles;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Supabase.Uploads;

/// <summary>A video's vector.</summary>
internal readonly record struct VideoVector(Guid VideoId, ReadOnlyMemory<float> Values);

/// <summary>Vectors to upload, in an order that stays the same.</summary>
internal abstract class VectorSource
{
    /// <summary>Whose vectors.</summary>
    public abstract string ModelVersion { get; }

    /// <summary>Length of a vector.</summary>
    public abstract int Dim { get; }

    /// <summary>True when the first numbers of a vector are a shorter model.</summary>
    public abstract bool IsNested { get; }

    /// <summary>Tells what these vectors are apart from others of the same version.</summary>
    public abstract string Identity { get; }

    /// <summary>How many there are.</summary>
    public abstract Task<long> CountAsync(CancellationToken ct);

    /// <summary>Reads them; the first <paramref name="skip"/> were uploaded, and are given only if they changed since.</summary>
    /// <param name="skip">How many were uploaded.</param>
    /// <param name="after">The last of them.</param>
    /// <param name="since">When the upload began, by <see cref="NowAsync"/>.</param>
    public abstract IAsyncEnumerable<VideoVector> ReadAsync(long skip, Guid? after, DateTimeOffset since, CancellationToken ct);

    /// <summary>The clock that changes are dated by.</summary>
    public abstract Task<DateTimeOffset> NowAsync(CancellationToken ct);
}

/// <summary>The vectors of a release of this database.</summary>
internal sealed class ReleaseVectorSource(NpgsqlDataSource db, ReleaseVectors vectors) : VectorSource
{
    public override string ModelVersion => vectors.Release.ModelVersion;

    public override int Dim => vectors.Release.EmbeddingDim;

    public override bool IsNested => vectors.Release.IsNested;

    public override string Identity => vectors.Table;

    public override Task<long> CountAsync(CancellationToken ct) => vectors.CountAsync(ct);

    public override async Task<DateTimeOffset> NowAsync(CancellationToken ct) => await db.Sql("select now()").ScalarAsync<DateTimeOffset>(ct);

    public override async IAsyncEnumerable<VideoVector> ReadAsync(
        long skip, Guid? after, DateTimeOffset since, [EnumeratorCancellation] CancellationToken ct)
    {
        var rows = db.Sql(
            $"""
            select video_id, embedding::{vectors.VectorSchema}.vector as embedding from {vectors.Table}
            where @after::uuid is null or video_id > @after or updated_at >= @since
            order by video_id
            """).With("after", after).With("since", since).WithTimeout(0)
            .StreamAsync(row => new VideoVector(row.Get<Guid>("video_id"), row.Get<Vector>("embedding").Memory), ct);
        await foreach (var row in rows.WithCancellation(ct)) yield return row;
    }
}

/// <summary>The vectors of a bundle, which never change.</summary>
internal sealed class BundleVectorSource(Bundle bundle, TimeProvider time) : VectorSource
{
    public override string ModelVersion => bundle.ModelVersion;

    public override int Dim => bundle.EmbeddingDim;

    public override bool IsNested =>
        bundle.Manifest.ModelMeta is { } meta && meta.TryGetProperty("config", out var config) && Release.IsNestedConfig(config);

    public override string Identity =>
        bundle.Manifest.Files.Single(file => file.Path == Core.Artifacts.ArtifactNames.VideoEmbeddings).Sha256;

    public override async Task<long> CountAsync(CancellationToken ct)
    {
        var count = 0L;
        await foreach (var batch in bundle.ReadEmbeddingsAsync(ct)) count += batch.VideoIds.Count;
        return count;
    }

    public override Task<DateTimeOffset> NowAsync(CancellationToken ct) => Task.FromResult(time.GetUtcNow());

    public override async IAsyncEnumerable<VideoVector> ReadAsync(
        long skip, Guid? after, DateTimeOffset since, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var batch in bundle.ReadEmbeddingsAsync(ct))
        {
            for (var i = 0; i < batch.VideoIds.Count; i++)
            {
                if (skip-- <= 0) yield return new(batch.VideoIds[i], batch[i].ToArray());
            }
        }
    }
}
