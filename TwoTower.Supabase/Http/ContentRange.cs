using System.Globalization;

namespace TwoTower.Supabase.Http;

/// <summary>PostgREST's count of rows, in the header Content-Range: <c>0-24/3573</c>.</summary>
internal static class ContentRange
{
    /// <summary>How many rows there are in all; null where the answer doesn't say.</summary>
    public static long? TotalOf(HttpResponseMessage response) =>
        response.Content.Headers.TryGetValues("Content-Range", out var values) && values.FirstOrDefault()?.Split('/') is [_, var total]
            && long.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;
}
