using System.Text.Json;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Gate;

/// <summary>The gate's comparison of a release with the live one: the same held-out users, asked at the same moments, now.</summary>
internal static class QualityCheck
{
    /// <summary>Measures both and judges.</summary>
    /// <param name="options">Thresholds.</param>
    /// <param name="release">The release under test, with its files.</param>
    /// <param name="live">The live release; null: none, or the same.</param>
    public static async Task<(GateCheck Check, GateQuality? Quality)> RunAsync(
        NpgsqlDataSource db, GateOptions options, (Release Row, ReleaseFileSet Files) release, Release? live, CancellationToken ct)
    {
        var share = Math.Min(Share(release.Row), live is null ? 1 : Share(live));
        if (share <= 0)
        {
            return (Unjudged($"{(Share(release.Row) <= 0 ? release.Row : live!).ModelVersion} was trained without held-out users (samples.held_out_users)"), null);
        }

        var queries = await HeldOutQueries.ReadAsync(db, share, options.MaxUsers, ct);
        var items = await ItemsAsync(db, release.Row, live, ct);
        queries = [.. queries.Where(query => query.Targets.Any(items.ContainsKey))];
        if (queries.Count < 2) return (Unjudged(TooFew(queries.Count)), null);

        var mine = await MeasureAsync(db, release.Row, release.Files, queries, items, ct);
        ReleaseQuality? theirs = null;
        var why = queries.Count < options.MinUsers ? TooFew(queries.Count) : live is null ? "there is no other release to compare with" : null;
        if (live is not null)
        {
            try
            {
                theirs = await MeasureAsync(db, live, await new ReleaseStore(db).OpenAsync(live.ModelVersion, ct), queries, items, ct);
            }
            catch (InputException e)
            {
                // What can't be measured is no reason to keep what may well replace it.
                why = $"the live release can't be measured: {e.Message.TrimEnd('.')}";
            }
        }

        var judged = why is null;
        var quality = new GateQuality(
            judged, queries.Count,
            Compare(mine.Recall20, theirs?.Recall20, 1), Compare(mine.Ndcg100, theirs?.Ndcg100, 1),
            Compare(mine.Nope20, theirs?.Nope20, -1));
        var numbers = $"{Show("recall@20", quality.Recall20)}, {Show("ndcg@100", quality.Ndcg100)}, {Show("nope@20", quality.Nope20)}, {queries.Count} held-out users";
        if (!judged) return (Unjudged($"{why}; {numbers}"), quality);
        var passed = quality is { Recall20.Passed: true, Ndcg100.Passed: true, Nope20.Passed: true };
        return (new("quality", passed, passed ? $"not below {live!.ModelVersion}: {numbers}" : $"worse than {live!.ModelVersion}: {numbers}"), quality);

        string TooFew(int users) => $"{users} held-out users with {HeldOutQuery.MinLikes} likes, {options.MinUsers} are needed to judge";

        GateMetric Compare(double[] a, double[]? b, int sign)
        {
            if (b is null) return new(a.Average());
            var difference = PairedDifference.Of(a, b);
            var margin = sign > 0 ? options.Margin * b.Average() : options.NopeMargin;
            var allowed = -sign * (margin + options.StandardErrors * difference.StandardError);
            // A difference that is exactly the margin, of equal rounding, passes.
            var ok = sign > 0 ? difference.Mean >= allowed - 1e-12 : difference.Mean <= allowed + 1e-12;
            return new(a.Average(), b.Average(), difference.Mean, difference.StandardError, allowed, !judged || ok);
        }
    }

    private static async Task<ReleaseQuality> MeasureAsync(
        NpgsqlDataSource db, Release release, ReleaseFileSet files, IReadOnlyList<HeldOutQuery> queries,
        IReadOnlyDictionary<Guid, int> items, CancellationToken ct)
    {
        using var encoder = await HistoryEncoder.OpenAsync(db, release, files, ct);
        var vectors = await ReleaseVectors.OpenAsync(db, release, ct);
        return await ReleaseQuality.MeasureAsync(vectors, encoder, queries, items, ct);
    }

    // Videos that both can show, in order of id: one that only one of them has would be a miss of the other.
    private static async Task<Dictionary<Guid, int>> ItemsAsync(NpgsqlDataSource db, Release release, Release? live, CancellationToken ct)
    {
        var ids = await WholeTables.ReadAsync(db, WholeTables.Catalogue, connection => connection.Sql(
            $"""
            select v.id from public.videos v
            where exists (select from {release.Table} e where e.video_id = v.id)
            {(live is null ? "" : $"and exists (select from {live.Table} e where e.video_id = v.id)")}
            order by v.id
            """).ListAsync<Guid>(ct), ct);
        return ids.Select((id, item) => (id, item)).ToDictionary(pair => pair.id, pair => pair.item);
    }

    // Recipe key samples.held_out_users; a release that doesn't say learned from everybody.
    private static double Share(Release release) =>
        release.Config.ValueKind == JsonValueKind.Object && release.Config.TryGetProperty("samples", out var samples)
        && samples.ValueKind == JsonValueKind.Object && samples.TryGetProperty("held_out_users", out var share) && share.ValueKind == JsonValueKind.Number
            ? share.GetDouble() : 0;

    private static GateCheck Unjudged(string why) => new("quality", true, $"not judged: {why}");

    private static string Show(string name, GateMetric metric) => metric.Live is { } live
        ? FormattableString.Invariant($"{name} {metric.Release:F4} against {live:F4} (difference {metric.Difference:F4}, allowed {metric.Allowed:F4})")
        : FormattableString.Invariant($"{name} {metric.Release:F4}");
}
