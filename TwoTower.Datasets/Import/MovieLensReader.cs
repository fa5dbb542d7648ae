using System.Text.RegularExpressions;
using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads MovieLens as GroupLens publishes it: <c>ratings.csv, movies.csv</c> and, if there, <c>tags.csv, links.csv</c> (ml-latest, ml-25m,
/// ml-32m), or <c>ratings.dat, movies.dat</c> (ml-1m, ml-10m). A rating of 4 and up is a like, of 2.5 and down a nope; between says nothing.
/// Genres and users' tags become tags. What MovieLens doesn't know (price, performers, duration) stays absent.
/// </summary>
internal static partial class MovieLensReader
{
    private const double LikeFrom = 4.0;
    private const double NopeTo = 2.5;
    private const string NoGenre = "(no genres listed)";

    /// <summary>Reads a folder.</summary>
    /// <param name="directory">The folder with MovieLens' files.</param>
    /// <param name="say">Told what is left out, with how many and the first.</param>
    /// <exception cref="InputException">A file is missing or a row is wrong.</exception>
    public static TableSet Read(string directory, Action<string>? say = null)
    {
        if (!Directory.Exists(directory)) throw new InputException($"There is no folder '{directory}'.");
        try
        {
            return Read(MovieLensFormat.Find(directory), say);
        }
        catch (BadRowException error)
        {
            throw new InputException(error.Message, error);
        }
    }

    private static TableSet Read(MovieLensFormat format, Action<string>? say)
    {
        var links = ReadLinks(format);
        var movies = ReadMovies(format, links);
        ReadTags(format, movies);
        var (profiles, decisions, between) = ReadRatings(format, movies, say);
        if (between > 0) say?.Invoke($"{between} ratings between {NopeTo} and {LikeFrom} say neither like nor nope and are left out");
        return new(profiles, [.. movies.Values.Select(movie => movie.ToRow())], decisions)
        {
            VideoColumns = new HashSet<string>(
                ["id", "external_id", "title", "product_released_at", "created_at", "source", "product_url", VideoColumns.Tags]),
        };
    }

    private static Dictionary<string, string> ReadLinks(MovieLensFormat format)
    {
        var links = new Dictionary<string, string>();
        using var rows = format.Open("links", ["movieId", "imdbId"], required: false);
        while (rows is not null && rows.Read())
        {
            if (rows.Text(1) is { } imdb) links[rows.RequiredId(0)] = imdb;
        }

        return links;
    }

    private static OrderedDictionary<string, Movie> ReadMovies(MovieLensFormat format, Dictionary<string, string> links)
    {
        var movies = new OrderedDictionary<string, Movie>();
        using var rows = format.Open("movies", ["movieId", "title", "genres"], required: true)!;
        while (rows.Read())
        {
            var id = rows.RequiredId(0);
            var movie = new Movie(id, rows.RequiredText(1).Trim(), links.GetValueOrDefault(id));
            foreach (var genre in (rows.Text(2) ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                if (genre != NoGenre) movie.AddTag(genre.ToLowerInvariant());
            }

            if (!movies.TryAdd(id, movie)) throw rows.Error(0, $"has '{id}' a second time");
        }

        return movies;
    }

    private static void ReadTags(MovieLensFormat format, OrderedDictionary<string, Movie> movies)
    {
        using var rows = format.Open("tags", ["userId", "movieId", "tag"], required: false);
        while (rows is not null && rows.Read())
        {
            if (rows.Text(2)?.Trim().ToLowerInvariant() is { Length: > 0 } tag && movies.TryGetValue(rows.RequiredId(1), out var movie)) movie.AddTag(tag);
        }
    }

    private static (List<ProfileRow> Profiles, List<DecisionRow> Decisions, int Between) ReadRatings(
        MovieLensFormat format, OrderedDictionary<string, Movie> movies, Action<string>? say)
    {
        var first = new OrderedDictionary<string, DateTimeOffset>();
        var users = new Dictionary<string, Guid>();
        var decisions = new List<DecisionRow>();
        var keys = new HashSet<DecisionRow>();
        var (between, ratings) = (0, 0);
        var (unknown, repeated) = (new Tally(), new Tally());
        using var rows = format.Open("ratings", ["userId", "movieId", "rating", "timestamp"], required: true)!;
        while (rows.Read())
        {
            var user = rows.RequiredId(0);
            ratings++;
            var rating = rows.Number(2);
            var seconds = rows.Number(3);
            if (rating is < 0 or > 5) throw rows.Error(2, $"has {rating} where a rating from 0 to 5 was expected");
            if (seconds is < 0 or > 253_402_300_799) throw rows.Error(3, $"has {seconds} where seconds since 1970 were expected");
            var at = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
            if (!first.TryGetValue(user, out var earliest) || at < earliest) first[user] = at;
            if (!movies.TryGetValue(rows.RequiredId(1), out var movie))
            {
                unknown.Add($"movie {rows.RequiredText(1)}");
                continue;
            }

            if (rating > NopeTo && rating < LikeFrom)
            {
                between++;
                continue;
            }

            if (!users.TryGetValue(user, out var userId)) users.Add(user, userId = UserId(user));
            var row = new DecisionRow(userId, movie.Id, rating >= LikeFrom ? DecisionType.Like : DecisionType.Nope, at);
            if (keys.Add(row)) decisions.Add(row);
            else repeated.Add($"user {user}, movie {rows.RequiredText(1)}");
        }

        const string left = "ratings are of movies that aren't in the list of movies, and are left out";
        if (ratings > 0 && unknown.Count == ratings)
        {
            throw new InputException($"{unknown.Sentence(ratings, left)}. Check that both files mean the same ids.");
        }

        unknown.Tell(say, ratings, left);
        repeated.Tell(say, ratings, "ratings repeat one before them and are left out");
        return ([.. first.Select(user => new ProfileRow(UserId(user.Key), $"viewer {user.Key}", user.Value.AddHours(-1)))], decisions, between);
    }

    private static Guid UserId(string user) => NamedUuid.Of($"movielens:user:{user}");

    [GeneratedRegex(@"^(?<title>.*?)\s*\((?<year>(18|19|20)\d\d)(-\d*|–\d*)?\)$")]
    private static partial Regex TitleWithYear();

    private sealed class Movie(string id, string title, string? imdb)
    {
        private readonly List<string> _tags = [];
        private readonly HashSet<string> _known = [];

        public Guid Id { get; } = NamedUuid.Of($"movielens:movie:{id}");

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
            if (imdb is not null) others.Add("product_url", $"https://www.imdb.com/title/tt{imdb}/");
            return new()
            {
                Id = Id,
                ExternalId = $"ml:{id}",
                Title = match.Success && match.Groups["title"].Length > 0 ? match.Groups["title"].Value : title,
                ProductReleasedAt = released,
                CreatedAt = released,
                Tags = _tags,
                OtherColumns = others,
            };
        }
    }
}
