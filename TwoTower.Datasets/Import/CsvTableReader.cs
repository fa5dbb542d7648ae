using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads a folder, or a zip archive of one, with one file per table (<c>profiles</c>, <c>videos</c>, <c>user_video_decisions</c>;
/// <c>video_tags</c>, <c>video_performers</c> and <c>video_features</c> if there are any; <c>.csv</c>, <c>.tsv</c>, <c>.jsonl</c>, each
/// also
/// <c>.gz</c>, or <c>.parquet</c>). Columns go by the header's names, an empty field is NULL, times are ISO 8601.
/// </summary>
internal static class CsvTableReader
{
    /// <summary>Reads a folder whole: everything is checked before anything is returned.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="say">Told what is left out or odd: columns and tables that nothing reads, repeated rows, decisions about unknown videos.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">A table or a required column is missing, or a row is wrong; the message has file, line, column and value.</exception>
    public static TableSet Read(string directory, Action<string>? say = null, ImportOptions? options = null)
    {
        using var set = Open(directory, say, options);
        return set.ReadAll(say);
    }

    /// <summary>Opens a folder: profiles and videos are read at once, decisions as they are asked for.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="say">Told what is left out or odd.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">As <see cref="Read"/>.</exception>
    public static ImportSet Open(string directory, Action<string>? say = null, ImportOptions? options = null) =>
        SourceFolder.Open(directory, source => Open(source, say, options));

    /// <summary>The same for a folder that is open; closed with the set.</summary>
    internal static ImportSet Open(SourceFolder source, Action<string>? say, ImportOptions? options)
    {
        options ??= new();
        return new Folder(source, say, new(options.SkipBad), options).Open();
    }

    // What an export writes beside uuids that were made from numbers or texts.
    private const string GivenId = "given_id";

    private static readonly string[] Tables = ["profiles", "videos", "video_tags", "video_performers", "user_video_decisions", "video_features"];

    private sealed class Folder(SourceFolder source, Action<string>? say, RowFaults faults, ImportOptions options)
    {
        private readonly DateTimeOffset _now = options.Time.GetUtcNow();
        private readonly RowIds _users = RowIds.Users();
        private readonly RowIds _videoIds = RowIds.Videos();
        private readonly HashSet<string> _videoColumns = new(StringComparer.Ordinal);
        private readonly HashSet<string> _profileColumns = new(StringComparer.Ordinal);
        private readonly OrderedDictionary<Guid, ProfileRow> _profiles = [];
        private readonly OrderedDictionary<Guid, VideoRow> _videos = [];
        private string _profilesFile = "";
        private string _videosFile = "";

        public ImportSet Open()
        {
            ReadProfiles();
            ReadVideos();
            var tags = ReadNames("video_tags", "tag_name");
            var performers = ReadNames("video_performers", "performer_name");
            if (tags is not null) _videoColumns.Add(VideoColumns.Tags);
            if (performers is not null) _videoColumns.Add(VideoColumns.Performers);
            var vectors = ReadVideoFeatures();
            TellOthers();
            var tables = new TableSet(
                [.. _profiles.Values],
                [.. _videos.Values.Select(video => video with
                {
                    Tags = tags?.GetValueOrDefault(video.Id)?.ToArray() ?? [],
                    Performers = performers?.GetValueOrDefault(video.Id)?.ToArray() ?? [],
                    VideoFeatures = vectors.GetValueOrDefault(video.Id) ?? video.VideoFeatures,
                })],
                [])
            {
                VideoColumns = _videoColumns,
                ProfileColumns = _profileColumns,
            };
            var file = OpenFile("user_video_decisions");
            return new(source, file, Decisions(file), () => tables, faults, say, options)
            {
                Places = (table, id) => table switch
                {
                    "profiles" => RowPlaces.Find(TableFiles.Open(source, table), "user_id", id, column => column.RequiredId(_users)),
                    "videos" => RowPlaces.Find(TableFiles.Open(source, table), "id", id, column => column.RequiredId(_videoIds)),
                    _ => null,
                },
            };
        }

        // What lies beside the tables may have been meant to be one.
        private void TellOthers()
        {
            var files = Directory.EnumerateFiles(source.Path).Select(path => Path.GetFileName(path)!).Where(ImportFormats.IsData);
            foreach (var file in files.Order(StringComparer.Ordinal))
            {
                var table = file[..file.IndexOf('.', StringComparison.Ordinal)];
                if (!Tables.Contains(table)) say?.Invoke($"{file} is ignored: it is none of {string.Join(", ", Tables)}");
            }
        }

        private void ReadProfiles()
        {
            using var file = OpenFile("profiles");
            _profilesFile = file.Name;
            var id = file.Column("user_id", required: true);
            var (name, created) = (file.Column("display_name"), file.Column("created_at"));
            var given = file.Column(GivenId);
            Report(file, ["user_id", "display_name", "created_at", GivenId]);
            if (name.Exists) _profileColumns.Add("display_name");
            if (created.Exists) _profileColumns.Add("created_at");
            faults.EachRow(file, () =>
            {
                var user = id.RequiredId(_users);
                var row =
                    new ProfileRow(
                        user, name.Exists ? name.Text() : _users.TextOf(user), created.Time(out var exact))
                    { ExactCreatedAt = exact, GivenId = _users.TextOf(user) ?? given.Text() };
                if (!_profiles.TryAdd(user, row)) throw id.Error($"has '{_users.TextOf(user) ?? user.ToString()}' a second time");
            });
        }

        private void ReadVideos()
        {
            using var file = OpenFile("videos");
            _videosFile = file.Name;
            var id = file.Column("id", required: true);
            var reader = new CsvVideoReader(name => file.Column(name));
            IReadOnlyList<string> known = [.. VideoColumns.Typed, .. VideoColumns.Other];
            var given = file.Column(GivenId);
            Report(file, [.. known, GivenId]);
            _videoColumns.UnionWith(known.Where(name => file.Column(name).Exists));
            faults.EachRow(file, () =>
            {
                var row = reader.Row(id.RequiredId(_videoIds));
                row = row with { GivenId = _videoIds.TextOf(row.Id) ?? given.Text() };
                if (_videoIds.TextOf(row.Id) is { } text && !_videoColumns.Contains("external_id")) row = row with { ExternalId = text };
                if (!_videos.TryAdd(row.Id, row)) throw id.Error($"has '{_videoIds.TextOf(row.Id) ?? row.Id.ToString()}' a second time");
            });
            if (_videoIds.AreTexts) _videoColumns.Add("external_id");
        }

        private Dictionary<Guid, List<string>>? ReadNames(string table, string nameColumn)
        {
            using var file = TableFiles.Open(source, table);
            if (file is null)
            {
                say?.Invoke($"{source.Name} has no {table}.csv: what the database has of it stays");
                return null;
            }

            var id = file.Column("video_id", required: true);
            var name = file.Column(nameColumn, required: true);
            Report(file, ["video_id", nameColumn]);
            var names = new Dictionary<Guid, List<string>>();
            var shared = new HashSet<string>(StringComparer.Ordinal);
            var (repeated, longest) = (new Tally(), new Tally());
            var rows = 0;
            faults.EachRow(file, () =>
            {
                rows++;
                var video = KnownVideo(id);
                var text = name.RequiredText();
                if (DataReport.IsLongName(text)) longest.Add(file, name);
                if (!shared.TryGetValue(text, out var value)) shared.Add(value = text);
                if (!names.TryGetValue(video, out var list)) names.Add(video, list = []);
                if (list.Contains(value)) repeated.Add(file, name);
                else list.Add(value);
            });
            repeated.Tell(say, rows, $"rows of {file.Name} repeat one before them and are left out");
            longest.Tell(say, rows, $"names of {file.Name} are longer than {DataReport.KeyBytes} bytes: a key of PostgreSQL holds them only where they compress well");
            return names;
        }

        private Dictionary<Guid, Dictionary<string, float[]>> ReadVideoFeatures()
        {
            using var file = TableFiles.Open(source, "video_features");
            if (file is not null) Report(file, CsvVideoFeatureReader.Columns);
            return CsvVideoFeatureReader.Read(file, KnownVideo, faults);
        }

        private IEnumerable<DecisionEntry> Decisions(TableFile file)
        {
            var user = file.Column("user_id", required: true);
            var video = file.Column("video_id", required: true);
            var type = file.Column("decision_type", required: true);
            var created = file.Column("created_at", required: true);
            Report(file, ["user_id", "video_id", "decision_type", "created_at"]);
            return Rows();

            IEnumerable<DecisionEntry> Rows()
            {
                var (noVideo, noUser, ahead) = (new Tally(), new Tally(), new Tally());
                var (count, before) = (0L, faults.Count);
                foreach (var row in faults.Rows(file, () =>
                {
                    var decision = Decision(type);
                    var (userId, videoId) = (user.RequiredId(_users), video.RequiredId(_videoIds));
                    var at = created.RequiredTime(out var exact);
                    count++;
                    if (!_videos.ContainsKey(videoId)) noVideo.Add(file, video);
                    else if (!_profiles.ContainsKey(userId)) noUser.Add(file, user);
                    if (DecisionTimes.IsAhead(at, exact, _now)) ahead.Add(file, created);
                    return (true, new DecisionEntry(userId, videoId, decision, at ?? default, at is null ? exact : null));
                }))
                {
                    yield return row;
                }

                var unknown = $"decisions name a video that isn't in {_videosFile}: no model learns from them";
                if (count > 0 && noVideo.Count == count)
                {
                    throw faults.Refusal($"{file.Name}: {noVideo.Sentence(count, unknown)}. Check that both files mean the same ids.");
                }

                var noProfile = $"decisions name a user who isn't in {_profilesFile}";
                if (count > 0 && noVideo.Count + noUser.Count == count)
                {
                    throw faults.Refusal($"{file.Name}: {noUser.Sentence(count, noProfile)}"
                        + (noVideo.Count > 0 ? $", and {noVideo.Sentence(count, unknown)}" : "")
                        + ": none is left. Check that the files mean the same ids.");
                }

                if (count == 0 && faults.Count > before) throw faults.Refusal($"{file.Name}: none of its rows can be used.");

                noVideo.Tell(say, count, unknown);
                noUser.Tell(say, count, noProfile);
                ahead.Tell(say, count, DecisionTimes.Ahead);
            }
        }

        private Guid KnownVideo(CsvColumn id)
        {
            var video = id.RequiredId(_videoIds);
            return _videos.ContainsKey(video) ? video : throw id.Error($"has '{id.Text()}', which is not in {_videosFile}");
        }

        private static DecisionType Decision(CsvColumn type)
        {
            var bytes = type.Bytes();
            if (bytes.SequenceEqual("like"u8)) return DecisionType.Like;
            if (bytes.SequenceEqual("nope"u8)) return DecisionType.Nope;
            throw type.Error($"has '{CsvFile.Show(type.RequiredText())}' where like or nope was expected");
        }

        private TableFile OpenFile(string table) => TableFiles.Open(source, table)
            ?? throw new InputException(
                $"{source.Name} has neither {table}.csv nor {table}.csv.gz (nor .tsv, .jsonl or .parquet). 'twotower import --help' tells of other layouts of files.");

        private void Report(TableFile file, IReadOnlyList<string> known)
        {
            foreach (var note in ColumnNames.Ignored(file, known)) say?.Invoke(note);
        }
    }
}
