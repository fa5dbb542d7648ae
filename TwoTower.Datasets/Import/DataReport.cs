using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>What files hold: counts, ranges, and what would be left out of an import. Made by reading everything.</summary>
/// <param name="Profiles">Users.</param>
/// <param name="Decisions">Decisions, with repeated ones.</param>
/// <param name="Likes">Likes among them.</param>
/// <param name="Repeated">Decisions that repeat another one.</param>
/// <param name="Users">Users who decided anything.</param>
/// <param name="DecidedVideos">Videos about which anything was decided.</param>
/// <param name="First">The first decision.</param>
/// <param name="Last">The last decision.</param>
/// <param name="Columns">What is known of the videos.</param>
/// <param name="BadRows">Rows that can't be used.</param>
/// <param name="FirstBadRows">The first of them, a line each.</param>
/// <param name="LongNames">Tags and performers of videos that are longer than <see cref="KeyBytes"/>.</param>
/// <param name="FirstLongName">The first of them, and its video.</param>
internal sealed record DataReport(
    int Profiles,
    int Videos,
    long Decisions,
    long Likes,
    long Repeated,
    int Users,
    int DecidedVideos,
    DateTimeOffset? First,
    DateTimeOffset? Last,
    IReadOnlyList<ColumnReport> Columns,
    int BadRows,
    IReadOnlyList<string> FirstBadRows,
    int LongNames,
    string? FirstLongName)
{
    /// <summary>Room of a B-tree's entry for a name, in UTF-8. PostgreSQL compresses longer ones: some fit then.</summary>
    public const int KeyBytes = 2_600;

    /// <summary>True for a name that a key of PostgreSQL holds only where it compresses well.</summary>
    public static bool IsLongName(string name) => Encoding.UTF8.GetByteCount(name) > KeyBytes;

    /// <summary>Reads a set to its end.</summary>
    /// <exception cref="InputException">A file can't be read on.</exception>
    public static DataReport Of(ImportSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var (users, videos, seen) = (new HashSet<Guid>(), new HashSet<Guid>(), new HashSet<UInt128>());
        var (count, likes, repeated) = (0L, 0L, 0L);
        DateTimeOffset? first = null, last = null;
        foreach (var row in set.Decisions())
        {
            count++;
            if (row.Type == DecisionType.Like) likes++;
            users.Add(row.UserId);
            videos.Add(row.VideoId);
            if (!seen.Add(Hash(row))) repeated++;
            if (row.Exact is not null) continue;
            if (first is null || row.CreatedAt < first) first = row.CreatedAt;
            if (last is null || row.CreatedAt > last) last = row.CreatedAt;
        }

        var tables = set.Tables();
        var longNames = tables.Videos
            .SelectMany(video => video.Tags.Concat(video.Performers).Where(IsLongName).Select(name => (Name: name, Video: video))).ToList();
        return new(
            tables.Profiles.Count, tables.Videos.Count, count, likes, repeated, users.Count, videos.Count, first, last,
                ColumnsOf(tables.Videos),
            set.BadRows, [.. set.FirstBadRows],
            longNames.Count,
            longNames.Select(pair => $"'{CsvFile.Show(pair.Name)}' of video {pair.Video.GivenId ?? pair.Video.Id.ToString()}").FirstOrDefault());
    }

    private static IReadOnlyList<ColumnReport> ColumnsOf(IReadOnlyList<VideoRow> videos) =>
    [
        Texts("title", videos, video => video.Title),
        Texts("maker", videos, video => video.Maker),
        Range("price", videos, video => video.Price),
        Range("duration_seconds", videos, video => video.DurationSeconds),
        Range("product_released_at", videos, video => video.ProductReleasedAt),
        Range("tags of a video", videos, video => video.Tags.Count > 0 ? video.Tags.Count : default(int?)),
        Range("performers of a video", videos, video => video.Performers.Count > 0 ? video.Performers.Count : default(int?)),
        new("is_active = false", videos.Count(video => !video.IsActive), null, null),
    ];

    private static ColumnReport Texts(string name, IReadOnlyList<VideoRow> videos, Func<VideoRow, string?> value) =>
        new(name, videos.Count(video => !string.IsNullOrEmpty(value(video))), null, null);

    private static ColumnReport Range<T>(string name, IReadOnlyList<VideoRow> videos, Func<VideoRow, T?> value) where T : struct,
        IComparable<T>, IFormattable
    {
        var known = videos.Select(value).OfType<T>().ToList();
        return new(name, known.Count, known.Count == 0 ? null : Text(known.Min()), known.Count == 0 ? null : Text(known.Max()));
    }

    private static string Text<T>(T value) where T : IFormattable =>
        value is DateTimeOffset time ? time.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)
            : value.ToString(null, System.Globalization.CultureInfo.InvariantCulture);

    // 16 bytes a decision instead of the decision; of five million no two differ in the row and agree in these.
    private static UInt128 Hash(DecisionEntry row)
    {
        Span<byte> bytes = stackalloc byte[41];
        row.UserId.TryWriteBytes(bytes);
        row.VideoId.TryWriteBytes(bytes[16..]);
        var ticks = row.Exact is null ? row.CreatedAt.UtcTicks : (long)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(row.Exact.AsSpan()));
        BitConverter.TryWriteBytes(bytes[32..], ticks);
        bytes[40] = (byte)((int)row.Type + (row.Exact is null ? 0 : 2));
        return XxHash128.HashToUInt128(bytes);
    }
}

/// <summary>What is known of a column.</summary>
/// <param name="Name">The column.</param>
/// <param name="Known">How many rows say anything.</param>
/// <param name="Least">The least value.</param>
/// <param name="Greatest">The greatest value.</param>
internal sealed record ColumnReport(string Name, int Known, string? Least, string? Greatest);
