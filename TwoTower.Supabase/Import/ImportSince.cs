namespace TwoTower.Supabase.Import;

/// <summary>From when on a next import reads decisions.</summary>
internal static class ImportSince
{
    /// <summary>Decisions that were committed after others of a later time, or that a phone dated before it sent them.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(1);
}
