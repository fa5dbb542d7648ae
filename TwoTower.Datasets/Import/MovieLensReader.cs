using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads MovieLens as GroupLens publishes it: <c>ratings.csv, movies.csv</c> and, if there, <c>tags.csv, links.csv</c> (ml-latest, ml-25m,
/// ml-32m), or <c>ratings.dat, movies.dat</c> (ml-1m, ml-10m), or <c>u.data, u.item</c> (ml-100k). A rating of 4
/// and up is a like, of 2.5 and down a nope; between says nothing. Genres and users' tags become tags. What MovieLens doesn't know (price,
/// performers, duration) stays absent.
/// </summary>
internal static partial class MovieLensReader
{
    private const string NoGenre = "(no genres listed)";
    private static readonly string[] MovieColumns = ["movieId", "title", "genres"];
    private static readonly string[] RatingColumns = ["userId", "movieId", "rating", "timestamp"];

    /// <summary>Reads a folder, or a zip archive of one, whole.</summary>
    /// <param name="directory">The folder with MovieLens' files.</param>
    /// <param name="say">Told what is left out, with how many and the first.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">A file is missing or a row is wrong.</exception>
    public static TableSet Read(string directory, Action<string>? say = null, ImportOptions? options = null)
    {
        using var set = Open(directory, say, options);
        return set.ReadAll(say);
    }

    /// <summary>Opens a folder: movies are read at once, ratings as they are asked for.</summary>
    /// <param name="directory">The folder with MovieLens' files.</param>
    /// <param name="say">Told what is left out, with how many and the first.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">A file is missing or a row is wrong.</exception>
    public static ImportSet Open(string directory, Action<string>? say = null, ImportOptions? options = null) =>
        SourceFolder.Open(directory, source => Open(source, say, options));

    /// <summary>The same for a folder that is open; closed with the set.</summary>
    internal static ImportSet Open(SourceFolder source, Action<string>? say, ImportOptions? options)
    {
        options ??= new();
        return new Folder(source, new(options.SkipBad), say, options).Open();
    }

    private sealed class Folder(SourceFolder source, RowFaults faults, Action<string>? say, ImportOptions options)
    {
        private readonly MovieLensFormat _format = new(source);
        private readonly OrderedDictionary<string, Movie> _movies = [];
        private readonly OrderedDictionary<string, (Guid Id, DateTimeOffset First)> _users = [];

        public ImportSet Open()
        {
            ReadMovies();
            ReadLinks();
            ReadTags();
            var file = _format.Open("ratings", RatingColumns, required: true)!;
            return new(source, file, Ratings(file), Tables, faults, say, options)
            {
                Places = (table, id) => table switch
                {
                    "profiles" => RowPlaces.Find(_format.Open("ratings", RatingColumns, required: false), "userId", id, column => UserId(Id(column))),
                    "videos" => RowPlaces.Find(
                        _format.Open("movies", MovieColumns, required: false), "movieId", id, column => _movies.GetValueOrDefault(Id(column))?.Id),
                    _ => null,
                },
            };
        }

        // Who has rated is known once the ratings were read.
        private TableSet Tables() => new(
            [.. _users.Select(user => new ProfileRow(user.Value.Id, $"viewer {user.Key}", user.Value.First.AddHours(-1)) { GivenId = user.Key })],
            [.. _movies.Values.Select(movie => movie.ToRow())],
            [])
        {
            VideoColumns = new HashSet<string>(
                ["id", "external_id", "title", "product_released_at", "created_at", "source", "product_url", VideoColumns.Tags]),
        };

        private void ReadLinks()
        {
            using var file = _format.Open("links", ["movieId", "imdbId"], required: false);
            if (file is null) return;
            var imdb = file.Column("imdbId", required: true);
            EachOfAMovie(file, movie => movie.Imdb = imdb.Text() ?? movie.Imdb);
        }

        private void ReadMovies()
        {
            using var file = _format.Open("movies", MovieColumns, required: true)!;
            var (movieId, title, genres) = (file.Column("movieId", required: true), file.Column("title", required: true), file.Column("genres", required: true));
            faults.EachRow(file, () =>
            {
                var id = Id(movieId);
                var movie = new Movie(id, title.RequiredText().Trim());
                foreach (var genre in (genres.Text() ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                {
                    if (genre != NoGenre) movie.AddTag(genre.ToLowerInvariant());
                }

                if (!_movies.TryAdd(id, movie)) throw movieId.Error($"has '{id}' a second time");
            });
        }

        private void ReadTags()
        {
            using var file = _format.Open("tags", ["userId", "movieId", "tag"], required: false);
            if (file is null) return;
            var tag = file.Column("tag", required: true);
            var none = new Tally();
            var rows = EachOfAMovie(file, movie =>
            {
                if (tag.Text()?.Trim().ToLowerInvariant() is { Length: > 0 } text) movie.AddTag(text);
                else none.Add(file);
            });
            none.Tell(say, rows, $"rows of {file.Name} have no tag, and are left out");
        }

        // Rows of movies that nobody lists are told. Returns how many rows there are.
        private long EachOfAMovie(TableFile file, Action<Movie> row)
        {
            var movieId = file.Column("movieId", required: true);
            var (unknown, rows) = (new Tally(), 0L);
            faults.EachRow(file, () =>
            {
                var id = Id(movieId);
                rows++;
                if (_movies.TryGetValue(id, out var movie)) row(movie);
                else unknown.Add(file, movieId);
            });
            unknown.Tell(say, rows, $"rows of {file.Name} are of movies that aren't in the list of movies, and are left out");
            return rows;
        }

        private IEnumerable<DecisionEntry> Ratings(TableFile file)
        {
            var (userColumn, movieColumn) = (file.Column("userId", required: true), file.Column("movieId", required: true));
            var (ratingColumn, timeColumn) = (file.Column("rating", required: true), file.Column("timestamp", required: true));
            var (between, ratings, before) = (0L, 0L, faults.Count);
            var (unknown, ahead) = (new Tally(), new Tally());
            var now = options.Time.GetUtcNow();
            foreach (var row in faults.Rows(file, () =>
            {
                var user = Id(userColumn);
                var rating = Number(ratingColumn);
                var seconds = Number(timeColumn);
                if (rating is < 0 or > 5) throw ratingColumn.Error($"has {rating} where a rating from 0 to 5 was expected");
                if (seconds is < 0 or > 253_402_300_799) throw timeColumn.Error($"has {seconds} where seconds since 1970 were expected");
                var movieId = Id(movieColumn);
                ratings++;
                var at = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
                if (!_users.TryGetValue(user, out var known)) _users.Add(user, known = (UserId(user), at));
                else if (at < known.First) _users[user] = (known.Id, at);
                if (!_movies.TryGetValue(movieId, out var movie))
                {
                    unknown.Add($"movie {movieId}");
                    return default;
                }

                if (rating > RatingRule.NopeTo && rating < RatingRule.LikeFrom)
                {
                    between++;
                    return default;
                }

                if (DecisionTimes.IsAhead(at, now)) ahead.Add(file, timeColumn);
                var type = rating >= RatingRule.LikeFrom ? DecisionType.Like : DecisionType.Nope;
                return (true, new DecisionEntry(known.Id, movie.Id, type, at));
            }))
            {
                yield return row;
            }

            const string left = "ratings are of movies that aren't in the list of movies, and are left out";
            if (ratings > 0 && unknown.Count == ratings)
            {
                throw faults.Refusal($"{unknown.Sentence(ratings, left)}. Check that both files mean the same ids.");
            }

            var neither = $"between {RatingRule.NopeTo} and {RatingRule.LikeFrom} say neither like nor nope and are left out";
            if (ratings > 0 && unknown.Count + between == ratings)
            {
                throw faults.Refusal($"{file.Name}: none of {Amounts.Count(ratings)} ratings is a decision: {Amounts.Count(between)} {neither}"
                    + (unknown.Count > 0 ? $"; {unknown.Sentence(ratings, left)}" : "") + ". Say with --map which ratings are likes: docs/data.md.");
            }

            if (ratings == 0 && faults.Count > before) throw faults.Refusal($"{file.Name}: none of its rows can be used.");
            unknown.Tell(say, ratings, left);
            ahead.Tell(say, ratings, DecisionTimes.Ahead);
            if (between > 0) say?.Invoke($"{between} ratings {neither}");
        }

        // 1.0, as programs write a column with gaps, is 1.
        private static string Id(CsvColumn column) => RowIds.Plain(column.RequiredText().Trim());

        private static double Number(CsvColumn column)
        {
            var text = column.RequiredText();
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
                ? value
                : throw column.Error($"has '{CsvFile.Show(text)}' where a number was expected");
        }
    }

    private static Guid UserId(string user) => NamedUuid.Of($"movielens:user:{user}");

    [GeneratedRegex(@"^(?<title>.*?)\s*\((?<year>(18|19|20)[0-9][0-9])(-[0-9]*|–[0-9]*)?\)$")]
    private static partial Regex TitleWithYear();

    private sealed class Movie(string id, string title)
    {
        private readonly List<string> _tags = [];
        private readonly HashSet<string> _known = [];

        public Guid Id { get; } = NamedUuid.Of($"movielens:movie:{id}");

        /// <summary>The number that IMDb has it under.</summary>
        public string? Imdb { get; set; }

        public void AddTag(string tag)
        {
            if (_known.Add(tag)) _tags.Add(tag);
        }

        public VideoRow ToRow()
        {
            var match = TitleWithYear().Match(title);

            // The year is all that MovieLens has of a release.
            DateTimeOffset? released = match.Success
                ? new DateTimeOffset(int.Parse(match.Groups["year"].ValueSpan), 1, 1, 0, 0, 0, TimeSpan.Zero)
                : null;
            var others = new Dictionary<string, string> { ["source"] = "movielens" };
            if (Imdb is not null) others.Add("product_url", $"https://www.imdb.com/title/tt{Imdb}/");
            return new()
            {
                Id = Id,
                ExternalId = $"ml:{id}",
                GivenId = id,
                Title = match.Success && match.Groups["title"].Length > 0 ? match.Groups["title"].Value : title,
                ProductReleasedAt = released,
                CreatedAt = released,
                Tags = _tags,
                OtherColumns = others,
            };
        }
    }
}
