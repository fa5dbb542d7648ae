using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>RecBole's atomic files.</summary>
public sealed class RecBoleReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-recbole-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void RecBoles_atomic_files_are_read()
    {
        Write("ml.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t4\t881250949\n196\t302\t2\t891717742\n22\t242\t3\t878887116\n");
        Write("ml.item", "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n242\tKolya\t1996\tComedy Drama\n302\t\"L.A.\" Confidential\t1997\tCrime\n");
        Write("ml.user", "user_id:token\tage:token\n196\t49\n22\t25\n");

        var said = new List<string>();
        Assert.Equal(ImportFormat.RecBole, ImportFormats.Recognise(_folder));
        using var set = ImportReader.Open(_folder, null, null, said.Add, null);
        var tables = set.ReadAll(said.Add);

        Assert.Equal([DecisionType.Like, DecisionType.Nope], tables.Decisions.Select(row => row.Type));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(881250949), tables.Decisions[0].CreatedAt);
        Assert.Equal(["Kolya", "\"L.A.\" Confidential"], tables.Videos.Select(video => video.Title));
        Assert.Equal(["Comedy", "Drama"], tables.Videos[0].Tags);
        Assert.Equal([1996, 1997], tables.Videos.Select(video => video.ProductReleasedAt!.Value.Year));
        Assert.Equal(["242", "302"], tables.Videos.Select(video => video.ExternalId));
        Assert.Equal(["196", "22"], tables.Profiles.Select(profile => profile.DisplayName));
        Assert.Contains("1 of 3 interactions are neither a like nor a nope by the rules and are left out", said);
    }

    [Fact]
    public void Users_have_our_columns_and_what_nothing_reads_of_them_is_told()
    {
        Write("a.inter", "user_id:token\titem_id:token\n1\t2\n");
        Write("a.user", "user_id:token\tage:token\tDisplay_Name:token_seq\tcreated_at:float\n1\t49\tAnn\t1735689600\n");
        var said = new List<string>();
        using var set = RecBoleReader.Open(_folder, said.Add);
        var user = Assert.Single(set.ReadAll(null).Profiles);
        Assert.Equal(("Ann", DateTimeOffset.FromUnixTimeSeconds(1735689600)), (user.DisplayName, user.CreatedAt));
        Assert.Equal("a.user: column 'age:token' is ignored", Assert.Single(said, note => note.StartsWith("a.user", StringComparison.Ordinal)));
    }

    [Fact]
    public void RecBoles_interactions_alone_are_likes_of_items_that_only_they_name()
    {
        Write("fm.inter", "user_id:token\tartist_id:token\n1\ta\n1\tb\n2\ta\n");
        var said = new List<string>();
        using var set = RecBoleReader.Open(_folder, said.Add);
        var tables = set.ReadAll(said.Add);
        Assert.Equal((2, 2, 3), (tables.Profiles.Count, tables.Videos.Count, tables.Decisions.Count));
        Assert.All(tables.Decisions, row => Assert.Equal(DecisionType.Like, row.Type));
        Assert.Contains(said, note => note.Contains("every interaction is a like", StringComparison.Ordinal));
        Assert.Contains(said, note => note.Contains("names no column of times", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("1996", 1996)]
    [InlineData("1996.0", 1996)]
    [InlineData("1996-05-04", 1996)]
    [InlineData("", null)]
    public void A_year_is_when_a_video_was_released(string written, int? year)
    {
        Write("ml.inter", "user_id:token\titem_id:token\n1\t2\n");
        Write("ml.item", $"item_id:token\tmovie_title:token_seq\tyear:float\n2\tKolya\t{written}\n");
        using var set = RecBoleReader.Open(_folder);
        Assert.Equal(year, Assert.Single(set.ReadAll(null).Videos).ProductReleasedAt?.Year);
    }

    [Theory]
    [InlineData("release_year:token", "0")]
    [InlineData("release_year:float", "0.0")]
    [InlineData("release_year:token", "NULL")]
    [InlineData("year:token", "unknown")]
    [InlineData("year:float", "nan")]
    [InlineData("year:token", "19996")]
    [InlineData("year:token", "-1")]
    public void What_is_no_year_in_a_column_that_was_guessed_is_null_and_told(string column, string written)
    {
        Write("ml.inter", "user_id:token\titem_id:token\n1\t2\n");
        Write("ml.item", $"item_id:token\tmovie_title:token_seq\t{column}\n2\tKolya\t1996\n3\tHeat\t{written}\n4\tRonin\t\n5\tUp\t{written}\n");
        var said = new List<string>();
        using var set = RecBoleReader.Open(_folder, said.Add);
        Assert.Equal([1996, null, null, null], set.ReadAll(null).Videos.Select(video => video.ProductReleasedAt?.Year));
        Assert.Contains($"2 of 4 items of ml.item have no year of release where one was expected, and get none (the first: line 3, '{written}')", said);
    }

    [Fact]
    public void What_is_no_time_in_a_column_that_a_map_names_is_refused()
    {
        Write("i.csv", "user,item\n1,2\n");
        Write("m.csv", "item,year\n2,unknown\n");
        var map = new ImportMap
        {
            Interactions = new() { File = "i.csv", User = "user", Item = "item" },
            Items = new() { File = "m.csv", Id = "item", Columns = new Dictionary<string, string> { ["product_released_at"] = "year" } },
        };
        Assert.Contains("m.csv, line 2: column 'year' has 'unknown' where a time",
            Assert.Throws<InputException>(() => MappedReader.Open(_folder, map, "map.json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_items_without_their_ids_is_refused_with_its_own_header()
    {
        Write("a.inter", "user_id:token\titem_id:token\n1\t2\n");
        Write("a.item", "movie_title:token_seq\tyear:float\nKolya\t1996\n");
        Assert.Contains("a.item has no column 'item_id'; its header is: movie_title:token_seq,year:float",
            Assert.Throws<InputException>(() => RecBoleReader.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_names_the_column_as_the_file_does()
    {
        Write("a.inter", "user_id:token\titem_id:token\n1\t2\n");
        Write("a.item", "item_id:token\tprice:float\n2\tcheap\n");
        Assert.Contains("a.item, line 2: column 'price:float' has 'cheap'",
            Assert.Throws<InputException>(() => RecBoleReader.Open(_folder)).Message, StringComparison.Ordinal);
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);
}
