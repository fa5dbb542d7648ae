using TwoTower.Core.Features;

namespace TwoTower.Postgres.Serving;

/// <summary>What a viewer's likes have in common, to explain an answer by: likes for each tag and performer.</summary>
internal sealed class Taste
{
    private static readonly IReadOnlyList<Reason> None = [];
    private readonly Dictionary<string, int> _tags, _performers;

    public Taste(UserPayload payload) => (_tags, _performers) = (Count(payload.Tags), Count(payload.Performers));

    /// <summary>The <paramref name="most"/> most liked of a video's tags and performers; performers first among equals, being rarer.</summary>
    public IReadOnlyList<Reason> Explain(VideoCard video, int most)
    {
        if (most == 0) return None;
        var shared = new List<Reason>();
        foreach (var performer in video.Performers)
        {
            if (_performers.TryGetValue(performer, out var likes)) shared.Add(new(ReasonKind.Performer, performer, likes));
        }

        foreach (var tag in video.Tags)
        {
            if (_tags.TryGetValue(tag, out var likes)) shared.Add(new(ReasonKind.Tag, tag, likes));
        }

        // A stable order: the list keeps performers before tags, each by name.
        return shared.Count <= 1 ? shared : [.. shared.OrderByDescending(reason => reason.Likes).Take(most)];
    }

    private static Dictionary<string, int> Count(IReadOnlyList<string> names)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, name, out _)++;
        }

        return counts;
    }
}
