using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads a folder with one CSV per table (<c>profiles</c>, <c>videos</c>, <c>user_video_decisions</c>; <c>video_tags</c>,
/// <c>video_performers</c> and <c>video_features</c> if there are any; <c>.csv</c> or <c>.csv.gz</c>). Columns go by the header's names, an
/// empty field is NULL, times are ISO 8601. Everything is read and checked before anything is returned.
/// </summary>
public static class CsvTableReader
{
    /// <summary>Reads a folder.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="say">Told what is ignored: columns and tables that the contract doesn't name.</param>
    /// <exception cref="InputException">A table or a required column is missing, or a row is wrong; the message has file, line, column and value.</exception>
    public static TableSet Read(string directory, Action<string>? say = null)
    {
        if (!Directory.Exists(directory)) throw new InputException($"There is no folder '{directory}'.");
        var profiles = ReadProfiles(directory, say);
        var columns = new HashSet<string>(StringComparer.Ordinal);
        var videos = ReadVideos(directory, columns, say);
        var tags = ReadNames(directory, "video_tags", "tag_name", videos, say);
        var performers = ReadNames(directory, "video_performers", "performer_name", videos, say);
        if (tags is not null) columns.Add(VideoColumns.Tags);
        if (performers is not null) columns.Add(VideoColumns.Performers);
        var vectors = ReadVideoFeatures(directory, videos, say);

        return new(
            profiles,
            [.. videos.Values.Select(video => video with
            {
                Tags = tags?.GetValueOrDefault(video.Id)?.ToArray() ?? [],
                Performers = performers?.GetValueOrDefault(video.Id)?.ToArray() ?? [],
                VideoFeatures = vectors.GetValueOrDefault(video.Id) ?? video.VideoFeatures,
            })],
            ReadDecisions(directory, say))
        {
            VideoColumns = columns,
        };
    }

    private static List<ProfileRow> ReadProfiles(string directory, Action<string>? say)
    {
        using var file = Open(directory, "profiles");
        var id = file.Column("user_id", required: true);
        var name = file.Column("display_name");
        var created = file.Column("created_at", required: true);
        Report(file, ["user_id", "display_name", "created_at"], say);
        var rows = new List<ProfileRow>();
        var keys = new HashSet<Guid>();
        while (file.Read())
        {
            var user = id.RequiredGuid();
            if (!keys.Add(user)) throw id.Error($"has '{user}' a second time");
            rows.Add(new(user, name.Text(), created.Time()));
        }

        return rows;
    }

    private static OrderedDictionary<Guid, VideoRow> ReadVideos(string directory, HashSet<string> columns, Action<string>? say)
    {
        using var file = Open(directory, "videos");
        var id = file.Column("id", required: true);
        var reader = new CsvVideoReader(file);
        Report(file, [.. VideoColumns.Typed, .. VideoColumns.Other], say);
        columns.UnionWith(file.Header.Where(name => VideoColumns.Typed.Contains(name) || VideoColumns.Other.Contains(name)));
        var rows = new OrderedDictionary<Guid, VideoRow>();
        while (file.Read())
        {
            var row = reader.Row(id.RequiredGuid());
            if (!rows.TryAdd(row.Id, row)) throw id.Error($"has '{row.Id}' a second time");
        }

        return rows;
    }

    private static Dictionary<Guid, List<string>>? ReadNames(
        string directory, string table, string nameColumn, OrderedDictionary<Guid, VideoRow> videos, Action<string>? say)
    {
        using var file = CsvFile.Open(directory, table);
        if (file is null)
        {
            say?.Invoke($"{directory} has no {table}.csv: what the database has of it stays");
            return null;
        }

        var id = file.Column("video_id", required: true);
        var name = file.Column(nameColumn, required: true);
        Report(file, ["video_id", nameColumn], say);
        var names = new Dictionary<Guid, List<string>>();
        var shared = new HashSet<string>(StringComparer.Ordinal);
        while (file.Read())
        {
            var video = id.RequiredGuid();
            if (!videos.ContainsKey(video)) throw id.Error($"has '{video}', which is not in videos.csv");
            var text = name.RequiredText();
            if (!shared.TryGetValue(text, out var value)) shared.Add(value = text);
            if (!names.TryGetValue(video, out var list)) names.Add(video, list = []);
            if (list.Contains(value)) throw name.Error($"has '{value}' a second time for video {video}");
            list.Add(value);
        }

        return names;
    }

    private static Dictionary<Guid, Dictionary<string, float[]>> ReadVideoFeatures(
        string directory, OrderedDictionary<Guid, VideoRow> videos, Action<string>? say)
    {
        using var file = CsvFile.Open(directory, "video_features");
        if (file is not null) Report(file, CsvVideoFeatureReader.Columns, say);
        return CsvVideoFeatureReader.Read(file, videos.ContainsKey);
    }

    private static List<DecisionRow> ReadDecisions(string directory, Action<string>? say)
    {
        using var file = Open(directory, "user_video_decisions");
        var user = file.Column("user_id", required: true);
        var video = file.Column("video_id", required: true);
        var type = file.Column("decision_type", required: true);
        var created = file.Column("created_at", required: true);
        Report(file, ["user_id", "video_id", "decision_type", "created_at"], say);
        var rows = new List<DecisionRow>();
        var keys = new HashSet<DecisionRow>();
        while (file.Read())
        {
            var decision = type.RequiredText() switch
            {
                "like" => DecisionType.Like,
                "nope" => DecisionType.Nope,
                var other => throw type.Error($"has '{other}' where like or nope was expected"),
            };
            var row = new DecisionRow(user.RequiredGuid(), video.RequiredGuid(), decision, created.RequiredTime());
            if (!keys.Add(row)) throw created.Error("repeats a row: the same user, video, decision and time are there before");
            rows.Add(row);
        }

        return rows;
    }

    private static CsvFile Open(string directory, string table) => CsvFile.Open(directory, table)
        ?? throw new InputException($"{directory} has neither {table}.csv nor {table}.csv.gz.");

    private static void Report(CsvFile file, IReadOnlyList<string> known, Action<string>? say)
    {
        foreach (var name in file.Header.Where(name => !known.Contains(name))) say?.Invoke($"{file.Name}: column '{name}' is ignored");
    }
}
