using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TwoTower.Core.Rows;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// The numbers that a protocol splits by. Where every user's <c>display_name</c> holds a number and no two the same, those are they
/// ("viewer 17" → 17), and likewise with <c>videos.external_id</c> ("ml:17" → 17). Elsewhere a number is the first 8 hex digits of the
/// SHA-256 of the id in lower case, which SQL, Python and this class compute alike.
/// </summary>
internal sealed class Numbering
{
    private readonly Dictionary<Guid, long> _users, _videos;

    /// <summary>Numbers the users and videos of a data set.</summary>
    public Numbering(TableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        (_users, UsersByName) = Number(tables.Profiles.Select(profile => (profile.UserId, profile.DisplayName)));
        (_videos, VideosByName) = Number(tables.Videos.Select(video => (video.Id, video.ExternalId)));
    }

    /// <summary>True: the users' numbers are in their names; false: they are hashes.</summary>
    public bool UsersByName { get; }

    /// <summary>True: the videos' numbers are in their external ids; false: they are hashes.</summary>
    public bool VideosByName { get; }

    /// <summary>The number of a user.</summary>
    public long OfUser(Guid user) => _users.TryGetValue(user, out var number) ? number : Hash(user);

    /// <summary>The number of a video.</summary>
    public long OfVideo(Guid video) => _videos.TryGetValue(video, out var number) ? number : Hash(video);

    /// <summary>True when a user's number ends in these digits.</summary>
    public bool UserEndsIn(Guid user, string suffix) => EndsIn(OfUser(user), suffix);

    /// <summary>True when a video's number ends in these digits.</summary>
    public bool VideoEndsIn(Guid video, string suffix) => EndsIn(OfVideo(video), suffix);

    /// <summary>The videos in ascending order of their numbers, equal ones by id: the order that breaks ties.</summary>
    public IReadOnlyList<VideoRow> InOrder(IEnumerable<VideoRow> videos) =>
        [.. videos.OrderBy(video => OfVideo(video.Id)).ThenBy(video => video.Id)];

    /// <summary>The items of a protocol: the videos that somebody who is learned from likes, in that order.</summary>
    public IReadOnlyList<VideoRow> Liked(IReadOnlyList<VideoRow> videos, IEnumerable<DecisionRow> learned)
    {
        ArgumentNullException.ThrowIfNull(videos);
        var liked = learned.Where(row => row.Type == DecisionType.Like).Select(row => row.VideoId).ToHashSet();
        return InOrder(videos.Where(video => liked.Contains(video.Id)));
    }

    /// <summary>
    /// A fixed shuffle of what a user decided: h(u, f) = ((u · 2654435761) xor (f · 40503 · 2246822519)) and 0xffffffff, in 64-bit
    /// integers that wrap.
    /// </summary>
    public static long Shuffle(long user, long video) => unchecked(((user * 2654435761L) ^ (video * 40503L * 2246822519L)) & 0xffffffffL);

    /// <summary>The number of an id that has none of its own.</summary>
    public static long Hash(Guid id)
    {
        var digest = SHA256.HashData(Encoding.ASCII.GetBytes(id.ToString("D")));
        return BinaryPrimitives.ReadUInt32BigEndian(digest);
    }

    private static (Dictionary<Guid, long>, bool) Number(IEnumerable<(Guid Id, string? Name)> rows)
    {
        var numbers = new Dictionary<Guid, long>();
        var taken = new HashSet<long>();
        foreach (var (id, name) in rows)
        {
            if (InName(name) is not { } number || !taken.Add(number)) return ([], false);
            numbers[id] = number;
        }

        return (numbers, numbers.Count > 0);
    }

    // The last run of digits: "season 2, viewer 17" is 17. More than 18 digits are no number of anybody's.
    private static long? InName(string? name)
    {
        var end = name?.AsSpan().LastIndexOfAnyInRange('0', '9') ?? -1;
        if (end < 0) return null;
        var start = end;
        while (start > 0 && char.IsAsciiDigit(name![start - 1])) start--;
        return end - start < 18 ? long.Parse(name.AsSpan(start, end - start + 1)) : null;
    }

    private static bool EndsIn(long number, string suffix) => number.ToString().EndsWith(suffix, StringComparison.Ordinal);
}
