using System.Text;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Tests.Import;

public sealed class MovieLensReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-ml-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ratings_become_likes_and_nopes_genres_and_tags_become_tags()
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n2,\"American President, The (1995)\",Comedy\n3,Untitled,(no genres listed)\n4,Series (2006-2007),Drama\n");
        Write("ratings.csv", "userId,movieId,rating,timestamp\n7,1,4.0,964982703\n7,2,2.5,964982000\n7,3,3.0,964981000\n9,1,5.0,1000000000\n9,99,5.0,1000000000\n");
        Write("tags.csv", "userId,movieId,tag,timestamp\n7,1,Pixar,1\n9,1,pixar,2\n9,3,odd,3\n");
        Write("links.csv", "movieId,imdbId,tmdbId\n1,0114709,862\n");
        List<string> said = [];
        var tables = MovieLensReader.Read(_folder, said.Add);

        Assert.Equal(["Toy Story", "American President, The", "Untitled", "Series"], tables.Videos.Select(video => video.Title));
        Assert.Equal(["adventure", "animation", "pixar"], tables.Videos[0].Tags);
        Assert.Equal(["odd"], tables.Videos[2].Tags);
        Assert.Equal("ml:1", tables.Videos[0].ExternalId);
        Assert.Equal(["1", "2", "3", "4"], tables.Videos.Select(video => video.GivenId));
        Assert.Equal(["7", "9"], tables.Profiles.Select(profile => profile.GivenId));
        Assert.Equal("https://www.imdb.com/title/tt0114709/", tables.Videos[0].OtherColumns["product_url"]);
        Assert.Equal(1995, tables.Videos[0].ProductReleasedAt!.Value.Year);
        Assert.Null(tables.Videos[2].ProductReleasedAt);
        Assert.Equal(2006, tables.Videos[3].ProductReleasedAt!.Value.Year);
        Assert.All(
            tables.Videos, video => Assert.True(video.Price is null && video.Performers.Count == 0 && video.DurationSeconds is null));

        Assert.Equal([DecisionType.Like, DecisionType.Nope, DecisionType.Like], tables.Decisions.Select(decision => decision.Type));
        Assert.Equal(["viewer 7", "viewer 9"], tables.Profiles.Select(profile => profile.DisplayName));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(964981000 - 3600), tables.Profiles[0].CreatedAt);
        Assert.Equal(2, said.Count);
    }

    [Fact]
    public void The_same_ids_have_the_same_uuids_in_every_import()
    {
        // Python: uuid.uuid5(uuid.NAMESPACE_URL, "movielens:movie:1").
        Assert.Equal(Guid.Parse("3f99c7ba-796d-5ddf-afb0-a56a42b05c29"), NamedUuid.Of("movielens:movie:1"));
        Assert.NotEqual(NamedUuid.Of("movielens:movie:1"), NamedUuid.Of("movielens:user:1"));
    }

    [Fact]
    public void The_older_layout_is_read_in_its_encoding()
    {
        File.WriteAllBytes(Path.Combine(_folder, "movies.dat"), Encoding.Latin1.GetBytes("1::Misérables, Les (1995)::Drama|Musical\n"));
        Write("ratings.dat", "1::1::5::978300760\n2::1::1::978300761\n");
        Write("users.dat", "1::F::1::10::48067\n");
        var tables = MovieLensReader.Read(_folder);
        Assert.Equal("Misérables, Les", Assert.Single(tables.Videos).Title);
        Assert.Equal(2, tables.Decisions.Count);
    }

    [Fact]
    public void Ids_that_are_written_as_floats_are_the_same_movies_and_users()
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n2,Heat (1995),Action\n");
        Write("ratings.csv", "userId,movieId,rating,timestamp\n1,1.0,5.0,964982703\n1.0,2.0,4.0,964982704\n2,1.0,1.0,964982705\n");
        var tables = MovieLensReader.Read(_folder);
        Assert.Equal(3, tables.Decisions.Count);
        Assert.Equal(2, tables.Profiles.Count);
        Assert.Equal(NamedUuid.Of("movielens:movie:1"), tables.Decisions[0].VideoId);
    }

    [Theory]
    [InlineData("1,1,high,964982703", "ratings.csv, line 2: column 'rating' has 'high' where a number")]
    [InlineData("1,1,7,964982703", "has 7 where a rating from 0 to 5")]
    [InlineData("1,1,4,-5", "has -5 where seconds since 1970")]
    [InlineData("1,,4,5", "column 'movieId' is empty")]
    [InlineData("1,2,4,5\n1,3,4,5", "2 of 2 ratings are of movies that aren't in the list of movies, and are left out (the first: movie 2)")]
    [InlineData("1,1,3,5\n2,1,3.5,5", "ratings.csv: none of 2 ratings is a decision: 2 between 2.5 and 4 say neither like nor nope and are left out. Say with --map")]
    [InlineData("1,1,3,5\n2,9,5,5", "none of 2 ratings is a decision: 1 between 2.5 and 4 say neither like nor nope and are left out; 1 of 2 ratings are of movies")]
    public void A_wrong_row_is_refused_with_file_line_column_and_value(string row, string reason)
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n");
        Write("ratings.csv", $"userId,movieId,rating,timestamp\n{row}\n");
        Assert.Contains(reason, Assert.Throws<InputException>(() => MovieLensReader.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tags_and_links_of_movies_that_nobody_lists_are_told_with_how_many_and_the_first()
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n");
        Write("ratings.csv", "userId,movieId,rating,timestamp\n1,1,5.0,964982703\n");
        Write("tags.csv", "userId,movieId,tag,timestamp\n7,1,Pixar,1\n9,98,odd,2\n9,99,odd,3\n9,1,,4\n");
        Write("links.csv", "movieId,imdbId,tmdbId\n97,0114709,862\n1.0,0114710,863\n");
        List<string> said = [];
        var movie = Assert.Single(MovieLensReader.Read(_folder, said.Add).Videos);
        Assert.Equal(["adventure", "pixar"], movie.Tags);
        Assert.Equal("https://www.imdb.com/title/tt0114710/", movie.OtherColumns["product_url"]);
        Assert.Equal(
            [
                "1 of 2 rows of links.csv are of movies that aren't in the list of movies, and are left out (the first: line 2, '97')",
                "2 of 4 rows of tags.csv are of movies that aren't in the list of movies, and are left out (the first: line 3, '98')",
                "1 of 4 rows of tags.csv have no tag, and are left out (the first: line 5)",
            ],
            said);
    }

    [Fact]
    public void Where_a_film_and_a_user_came_from_is_found_again()
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n2.0,\"Two\nlines\",Drama\n3,Heat (1995),Action\n");
        Write("ratings.csv", "userId,movieId,rating,timestamp\n1,1,5.0,964982703\n2,high,5.0,964982703\n2,1,5.0,964982703\n2,2,5.0,964982703\n");
        using var set = MovieLensReader.Open(_folder, null, new() { SkipBad = 1 });
        var tables = set.ReadAll(null);
        Assert.Equal(["movies.csv, line 2", "movies.csv, line 3", "movies.csv, line 5"], tables.Videos.Select(video => set.PlaceOf("videos", $"{video.Id}")));
        Assert.Equal(["ratings.csv, line 2", "ratings.csv, line 3"], tables.Profiles.Select(user => set.PlaceOf("profiles", $"{user.UserId}")));
        Assert.Null(set.PlaceOf("videos", $"{tables.Profiles[0].UserId}"));
        Assert.Null(set.PlaceOf("user_video_decisions", $"{tables.Profiles[0].UserId}"));
    }

    [Fact]
    public void Ratings_dated_after_now_are_told()
    {
        Write("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n");
        Write("ratings.csv", "userId,movieId,rating,timestamp\n1,1,5.0,964982703\n2,1,5.0,32472144000\n");
        List<string> said = [];
        MovieLensReader.Read(_folder, said.Add);
        Assert.Equal($"1 of 2 {DecisionTimes.Ahead} (the first: line 3, '32472144000')", Assert.Single(said));
    }

    [Fact]
    public void A_NUL_character_is_told_by_its_column()
    {
        Write("movies.dat", "1::Toy Story (1995)::Adventure\n2::He\0at (1995)::Action\n");
        Write("ratings.dat", "1::1::5::978300760\n");
        Assert.StartsWith("movies.dat, line 2: column 'title' has a NUL character: 'He␀at (1995)'.",
            Assert.Throws<InputException>(() => MovieLensReader.Read(_folder)).Message, StringComparison.Ordinal);

        Write("movies.dat", "1::Toy Story (1995)::Adventure\n");
        Write("ratings.dat", "1::1::5::978300760\n1::1::5::978300760::\0\n");
        Assert.StartsWith("ratings.dat, line 2: column '5' has a NUL character: '␀'.",
            Assert.Throws<InputException>(() => MovieLensReader.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_MovieLens_files_is_refused()
    {
        Assert.Contains("neither ratings.csv nor ratings.dat", Assert.Throws<InputException>(() => MovieLensReader.Read(_folder)).Message, StringComparison.Ordinal);
        Write("ratings.csv", "userId,movieId,rating,timestamp\n");
        Assert.Contains("has no movies.csv", Assert.Throws<InputException>(() => MovieLensReader.Read(_folder)).Message, StringComparison.Ordinal);
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);
}
