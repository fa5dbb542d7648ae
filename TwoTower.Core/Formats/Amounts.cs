namespace TwoTower.Core.Formats;

/// <summary>Numbers and times as a person reads them.</summary>
internal static class Amounts
{
    /// <summary>1,234,567.</summary>
    public static string Count(long number) => number.ToString("N0");

    /// <summary>950/s, 12.5k/s, 2.0M/s.</summary>
    public static string Rate(double perSecond) => perSecond switch
    {
        >= 1e6 => $"{perSecond / 1e6:0.0}M/s",
        >= 1e4 => $"{perSecond / 1e3:0.0}k/s",
        >= 10 => $"{perSecond:0}/s",
        _ => $"{perSecond:0.0}/s",
    };

    /// <summary>0.4 s, 12 s, 3 min 05 s, 2 h 10 min.</summary>
    public static string Time(TimeSpan time)
    {
        var seconds = (long)Math.Round(time.TotalSeconds);
        var minutes = (long)Math.Round(time.TotalMinutes);
        return time switch
        {
            { TotalSeconds: < 9.95 } => $"{time.TotalSeconds:0.0} s",
            { TotalSeconds: < 59.5 } => $"{seconds} s",
            { TotalMinutes: < 59.5 } => $"{seconds / 60} min {seconds % 60:00} s",
            _ => $"{minutes / 60} h {minutes % 60:00} min",
        };
    }

    /// <summary>512 B, 3.4 KB, 12 MB, 1.2 GB.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1_000_000_000 => $"{bytes / 1e9:0.0} GB",
        >= 10_000_000 => $"{bytes / 1e6:0} MB",
        >= 1_000_000 => $"{bytes / 1e6:0.0} MB",
        >= 1_000 => $"{bytes / 1e3:0.0} KB",
        _ => $"{bytes} B",
    };
}
