using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads anybody's files as an <see cref="ImportMap"/> says: a file of interactions, and files of items and users where there are any.
/// </summary>
internal static class MappedReader
{
    // Where the files have no time, the order of the rows is all that there is: a second each from here.
    private static readonly DateTimeOffset NoTime = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Opens the folder of a map: items and users are read at once, interactions as they are asked for.</summary>
    /// <param name="directory">The folder, or a zip archive of it.</param>
    /// <param name="map">What is what in it.</param>
    /// <param name="mapName">The map's name, for messages.</param>
    /// <param name="say">Told what is left out or odd.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">A file or column is missing, or a row is wrong.</exception>
    public static ImportSet Open(string directory, ImportMap map, string mapName, Action<string>? say = null, ImportOptions? options = null)
    {
        // The file of the interactions may be named in place of its folder.
        var isFile = File.Exists(directory) && !directory.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);
        if (isFile && Path.GetFileName(directory) != map.Interactions.File)
        {
            throw new InputException(
                $"{directory} is not the file of the interactions that {mapName} names, '{map.Interactions.File}': give that one or its folder, or change the map.");
        }

        var folder = isFile ? Path.GetDirectoryName(Path.GetFullPath(directory))! : directory;
        return SourceFolder.Open(folder, source => Open(source, map, mapName, say, options));
    }

    /// <summary>The same for a folder that is open; closed with the set.</summary>
    internal static ImportSet Open(SourceFolder source, ImportMap map, string mapName, Action<string>? say, ImportOptions? options)
    {
        options ??= new();
        return new Folder(source, map, mapName, new(options.SkipBad), say, options).Open();
    }

    private sealed class Folder(SourceFolder source, ImportMap map, string mapName, RowFaults faults, Action<string>? say,
        ImportOptions options)
    {
        private readonly RowIds _users = RowIds.Users();
        private readonly RowIds _items = RowIds.Videos();
        private readonly HashSet<string> _videoColumns = new(StringComparer.Ordinal) { "id" };
        private readonly HashSet<string> _profileColumns = new(StringComparer.Ordinal);
        private readonly OrderedDictionary<Guid, ProfileRow> _profiles = [];
        private readonly OrderedDictionary<Guid, VideoRow> _videos = [];

        public ImportSet Open()
        {
            if (map.Items is not null) ReadItems(map.Items);
            if (map.Users is not null) ReadUsers(map.Users);
            var file = OpenFile(map.Interactions);
            return new(source, file, Interactions(file), Tables, faults, say, options) { Places = PlaceOf };
        }

        // Of users and items that no file of their own has, the first interaction.
        private string? PlaceOf(string table, Guid id)
        {
            var (users, items, interactions) = (map.Users, map.Items, map.Interactions);
            return table switch
            {
                "profiles" => (users is null ? null : RowPlaces.Find(OpenFile(users), users.Id, id, User))
                    ?? RowPlaces.Find(OpenFile(interactions), interactions.User, id, User),
                "videos" => items is null
                    ? RowPlaces.Find(OpenFile(interactions), interactions.Item, id, Item)
                    : RowPlaces.Find(OpenFile(items), items.Id, id, Item),
                _ => null,
            };

            Guid? User(CsvColumn column) => column.RequiredId(_users);
            Guid? Item(CsvColumn column) => column.RequiredId(_items);
        }

        // What only the interactions name is known once they were read.
        private TableSet Tables()
        {
            if (_items.AreTexts) _videoColumns.Add("external_id");
            if (map.Items is null) _videoColumns.Add("title");
            return new([.. _profiles.Values], [.. _videos.Values], []) { VideoColumns = _videoColumns, ProfileColumns = _profileColumns };
        }

        private void ReadItems(ItemsMap items)
        {
            IReadOnlyList<string> known = [.. VideoColumns.Typed, .. VideoColumns.Other];
            Require(items.Columns.Keys, known, "items");
            using var file = OpenFile(items);
            var id = file.Column(items.Id, required: true);
            var tags = items.Tags is null ? default(CsvColumn?) : file.Column(items.Tags, required: true);
            var performers = items.Performers is null ? default(CsvColumn?) : file.Column(items.Performers, required: true);
            var ours = Ours(file, items.Columns, [id]);
            if (tags is not null) _videoColumns.Add(VideoColumns.Tags);
            if (performers is not null) _videoColumns.Add(VideoColumns.Performers);
            var (oddYears, rows) = (new Tally(), 0L);
            var reader = new CsvVideoReader(Column, items.AreYearsGuessed ? year => oddYears.Add(file, year) : null);
            _videoColumns.UnionWith(known.Where(name => Column(name).Exists));
            TellIgnored(file, [.. items.Columns.Values, .. known.Except(items.Columns.Keys), items.Id,
                .. new[] { items.Tags, items.Performers }.OfType<string>()]);
            faults.EachRow(file, () =>
            {
                rows++;
                var row = reader.Row(id.RequiredId(_items)) with
                {
                    Tags = Names(tags, items.TagSeparator),
                    Performers = Names(performers, items.PerformerSeparator)
                };
                row = row with { GivenId = _items.TextOf(row.Id) };
                if (_items.TextOf(row.Id) is { } text && !_videoColumns.Contains("external_id")) row = row with { ExternalId = text };
                if (!_videos.TryAdd(row.Id, row)) throw id.Error($"has '{_items.TextOf(row.Id) ?? row.Id.ToString()}' a second time");
            });

            oddYears.Tell(say, rows, $"items of {file.Name} have no year of release where one was expected, and get none");

            CsvColumn Column(string name) => name == "id" ? id : ours(name);
        }

        private void ReadUsers(UsersMap users)
        {
            IReadOnlyList<string> known = ["display_name", "created_at"];
            Require(users.Columns.Keys, known, "users");
            using var file = OpenFile(users);
            var id = file.Column(users.Id, required: true);
            var ours = Ours(file, users.Columns, [id]);
            var (name, created) = (ours("display_name"), ours("created_at"));
            _profileColumns.UnionWith(known.Where(column => ours(column).Exists));
            TellIgnored(file, [.. users.Columns.Values, .. known.Except(users.Columns.Keys), users.Id]);
            faults.EachRow(file, () =>
            {
                var user = id.RequiredId(_users);
                var row = new ProfileRow(user, name.Exists ? name.Text() : _users.TextOf(user), created.Time(out var exact))
                {
                    ExactCreatedAt = exact,
                    GivenId = _users.TextOf(user)
                };
                if (!_profiles.TryAdd(user, row)) throw id.Error($"has '{_users.TextOf(user) ?? user.ToString()}' a second time");
            });
        }

        // Finds a column of ours: the one that the map names, or else the one of the same name.
        private static Func<string, CsvColumn> Ours(TableFile file, IReadOnlyDictionary<string, string> columns, CsvColumn[] others)
        {
            var mapped = columns.ToDictionary(pair => pair.Key, pair => file.Column(pair.Value, required: true), StringComparer.Ordinal);

            // What the map gives another meaning isn't read by its own name too.
            var taken = mapped.Values.Concat(others).Select(column => column.Index).ToHashSet();
            return name =>
            {
                if (mapped.TryGetValue(name, out var column)) return column;
                column = file.Column(name);
                return taken.Contains(column.Index) ? CsvColumn.None(file, name) : column;
            };
        }

        private void TellIgnored(TableFile file, IReadOnlyList<string> known)
        {
            foreach (var note in ColumnNames.Ignored(file, known)) say?.Invoke(note);
        }

        private IEnumerable<DecisionEntry> Interactions(TableFile file)
        {
            var (user, item) = (file.Column(map.Interactions.User, required: true), file.Column(map.Interactions.Item, required: true));
            var time = map.Interactions.Time is { } column ? file.Column(column, required: true) : default(CsvColumn?);
            var rules = DecisionRules.Of(map.Interactions, mapName);
            rules.Bind(file);
            TellIgnored(file, [map.Interactions.User, map.Interactions.Item, .. rules.Columns.Distinct(),
                .. new[] { map.Interactions.Time }.OfType<string>()]);
            return Rows();

            IEnumerable<DecisionEntry> Rows()
            {
                var (count, neither, useful) = (0L, 0L, 0L);
                var before = faults.Count;
                var (noItem, ahead) = (new Tally(), new Tally());
                var now = options.Time.GetUtcNow();
                foreach (var row in faults.Rows(file, () =>
                {
                    var (userId, itemId) = (user.RequiredId(_users), item.RequiredId(_items));
                    string? exact = null;
                    var at = time is { } known ? known.RequiredTime(out exact) : NoTime.AddSeconds(count);
                    var decision = rules.Decide();
                    count++;
                    if (!_profiles.ContainsKey(userId)) _profiles.Add(userId, Named(userId));
                    if (map.Items is null) _videos.TryAdd(itemId, FromInteraction(itemId));
                    var isKnown = _videos.ContainsKey(itemId);
                    if (!isKnown) noItem.Add(file, item);
                    if (decision is null)
                    {
                        neither++;
                        return default;
                    }

                    if (isKnown) useful++;
                    if (DecisionTimes.IsAhead(at, exact, now)) ahead.Add(file, time);
                    return (true, new DecisionEntry(userId, itemId, decision.Value, at ?? default, at is null ? exact : null));
                }))
                {
                    yield return row;
                }

                const string unknown = "interactions name an item that the file of items doesn't have: no model learns from them";
                if (count > 0 && noItem.Count == count) throw faults.Refusal(
                    $"{file.Name}: {noItem.Sentence(count, unknown)}. Check that both files mean the same ids.");
                if (count > 0 && neither == count)
                {
                    throw faults.Refusal(
                        $"{file.Name}: none of {count} rows is a like or a nope by the rules of {mapName}. Check 'like' and 'nope' in it.");
                }

                if (count > 0 && useful == 0)
                {
                    throw faults.Refusal(
                        $"{file.Name}: {noItem.Sentence(count, unknown)}, and {Amounts.Count(neither)} are neither a like nor a nope by the rules of {mapName}: "
                        + "none is left. Check the rules, and that both files mean the same ids.");
                }

                if (count == 0 && faults.Count > before) throw faults.Refusal($"{file.Name}: none of its rows can be used.");
                noItem.Tell(say, count, unknown);
                ahead.Tell(say, count, DecisionTimes.Ahead);
                if (neither > 0) say?.Invoke(
                    $"{neither} of {count} interactions are neither a like nor a nope by the rules and are left out");
                if (rules.AreAllLikes) say?.Invoke($"{mapName} has no rules for decisions: every interaction is a like");
                if (time is null) say?.Invoke(
                    $"{mapName} names no column of times: the order of {file.Name} stands for it, a second each from {NoTime:yyyy-MM-dd}");
            }
        }

        private ProfileRow Named(Guid id) => new(id, _users.TextOf(id), null) { GivenId = _users.TextOf(id) };

        private VideoRow FromInteraction(Guid id) =>
            new() { Id = id, ExternalId = _items.TextOf(id), GivenId = _items.TextOf(id), Title = _items.TextOf(id) ?? id.ToString() };

        private TableFile OpenFile(FileMap file)
        {
            // A name, not a way out of the folder.
            if (file.File != Path.GetFileName(file.File)) throw new InputException(
                $"{mapName}: file '{file.File}' should be a name in the folder that is imported, without a path.");
            return TableFiles.Open(
                source.Find(file.File) ?? throw new InputException($"{source.Name} has no file '{file.File}', which {mapName} names."),
                    file.Separator, file.Header, file.Quotes);
        }

        private void Require(IEnumerable<string> named, IReadOnlyList<string> known, string part)
        {
            if (named.Except(known).FirstOrDefault() is { } wrong)
            {
                throw new InputException(
                    $"{mapName}: {part}.columns names '{wrong}', which is no column of ours; there are {string.Join(", ", known)}.");
            }
        }

        private static IReadOnlyList<string> Names(CsvColumn? column, string separator)
        {
            if (column?.Text() is not { } text) return [];
            return text is ['[', ..] or ['{', ..] && column.Value.List(out _) is { } list
                ? [.. list.Distinct()]
                : [.. text.Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct()];
        }
    }
}
