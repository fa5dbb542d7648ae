using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using static TwoTower.Datasets.Tests.Import.TableFolder;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>A map says what is what in anybody's files.</summary>
public sealed class MappedReaderTests : IDisposable
{
    private const string Ratings = "Reader,Book,Stars,When\nann,b1,5,2025-01-01\nann,b2,3,2025-01-02\nbob,b2,1.5,2025-01-03\n";
    private readonly TableFolder _folder = new();

    public MappedReaderTests() => File.WriteAllText(PathOf("ratings.csv"), Ratings);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"like\": \"Stars >= 4\", \"nope\": \"Stars <= 2.5\"")]
    [InlineData("\"like\": \"stars ≥ 4\", \"nope\": \"stars ≤ 2.5\"")]
    [InlineData("\"like\": [\"Stars > 4.5\", \"Stars = 4\"], \"nope\": [\"Stars < 2\"]")]
    [InlineData("\"like\": \"Stars = 5.0\", \"nope\": \"Stars in 1, 1.5, 2\"")]
    [InlineData("\"like\": \"Reader = ANN\", \"nope\": \"Reader != ann\"", 3)]
    public void Rules_say_which_rows_are_likes_and_nopes(string rules, int decisions = 2)
    {
        var (tables, said) = Read($$$"""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", {{{rules}}}}}""");

        Assert.Equal(decisions, tables.Decisions.Count);
        Assert.Equal((DecisionType.Like, DecisionType.Nope), (tables.Decisions[0].Type, tables.Decisions[^1].Type));
        Assert.Equal(["ann", "bob"], tables.Profiles.Select(profile => profile.DisplayName));
        Assert.Equal(["b1", "b2"], tables.Videos.Select(video => video.Title));
        Assert.Equal(["b1", "b2"], tables.Videos.Select(video => video.ExternalId));
        Assert.Equal(decisions == 2,
            said.Any(note => note.Contains("1 of 3 interactions are neither a like nor a nope", StringComparison.Ordinal)));

        // The same ids as in an import of tables.
        _folder.Write("profiles", "user_id\nann\n");
        _folder.Write("videos", "id\nb1\n");
        _folder.Write("user_video_decisions", "user_id,video_id,decision_type,created_at\nann,b1,like,2025-01-01\n");
        Assert.Equal(_folder.Read().Decisions[0], tables.Decisions[0]);
    }

    [Fact]
    public void Items_and_users_have_columns_of_other_names()
    {
        File.WriteAllText(PathOf("books.tsv"), "isbn\tname\tcost\tsubjects\ttitle\nb1\tHeat\t9.5\tcrime;film\told\nb2\tRonin\t\t\told\n");
        File.WriteAllText(PathOf("readers.jsonl"), """{"nick":"ann","label":"Ann","since":1735689600}""");
        var (tables, said) = Read(
            """
            {
              // comments are allowed
              "interactions": {"file": "ratings.csv", "user": "reader", "item": "book", "time": "when", "like": "stars >= 4", "nope": "stars <= 2.5"},
              "items": {"file": "books.tsv", "id": "isbn", "columns": {"title": "name", "price": "cost"}, "tags": "subjects", "tag_separator": ";"},
              "users": {"file": "readers.jsonl", "id": "nick", "columns": {"display_name": "label", "created_at": "since"}},
            }
            """);

        Assert.Equal(("Heat", 9.5m), (tables.Videos[0].Title, tables.Videos[0].Price!.Value));
        Assert.Equal(["crime", "film"], tables.Videos[0].Tags);
        Assert.Null(tables.Videos[1].Price);
        Assert.Equal(("Ann", 2025), (tables.Profiles[0].DisplayName, tables.Profiles[0].CreatedAt!.Value.Year));
        Assert.Equal("bob", tables.Profiles[1].DisplayName);
        Assert.Contains("books.tsv: column 'title' is ignored", string.Join('\n', said), StringComparison.Ordinal);
    }

    [Fact]
    public void Users_have_our_columns_by_our_names_too_and_what_nothing_reads_of_them_is_told()
    {
        File.WriteAllText(PathOf("readers.csv"), "id,Display Name,Created_At,displayname2,age\nann,Ann,2024-05-06,x,49\n");
        const string interactions = "\"interactions\": {\"file\": \"ratings.csv\", \"user\": \"Reader\", \"item\": \"Book\", \"time\": \"When\"}";
        var (tables, said) = Read($$$$"""{{{{{interactions}}}}, "users": {"file": "readers.csv", "id": "id"}}""");
        Assert.Equal(("Ann", new DateTimeOffset(2024, 5, 6, 0, 0, 0, TimeSpan.Zero)), (tables.Profiles[0].DisplayName, tables.Profiles[0].CreatedAt));
        Assert.Equal(["created_at", "display_name"], tables.ProfileColumns!.Order(StringComparer.Ordinal));
        Assert.Equal(["readers.csv: column 'displayname2' is ignored", "readers.csv: column 'age' is ignored"],
            said.Where(note => note.StartsWith("readers.csv", StringComparison.Ordinal)));

        // What the map gives another meaning isn't read by its own name too, and is not told.
        (tables, said) = Read($$$$"""{{{{{interactions}}}}, "users": {"file": "readers.csv", "id": "id", "columns": {"display_name": "age"}}}""");
        Assert.Equal(("49", 2024), (tables.Profiles[0].DisplayName, tables.Profiles[0].CreatedAt!.Value.Year));
        Assert.Contains("readers.csv: column 'Display Name' is ignored", said);
        (tables, _) = Read($$$$"""{{{{{interactions}}}}, "users": {"file": "readers.csv", "id": "id", "columns": {"display_name": "created_at"}}}""");
        Assert.Equal(("2024-05-06", null), (tables.Profiles[0].DisplayName, tables.Profiles[0].CreatedAt));
    }

    [Theory]
    [InlineData("", "ratings.csv, line 2", "ratings.csv, line 4", "ratings.csv, line 2", "ratings.csv, line 3")]
    [InlineData(", \"users\": {\"file\": \"readers.csv\", \"id\": \"nick\"}, \"items\": {\"file\": \"books.csv\", \"id\": \"isbn\"}",
        "readers.csv, line 2", "ratings.csv, line 4", "books.csv, line 3", "books.csv, line 2")]
    public void Where_a_user_and_an_item_came_from_is_found_again(string files, string ann, string bob, string b1, string b2)
    {
        File.WriteAllText(PathOf("readers.csv"), "nick\nann\n");
        File.WriteAllText(PathOf("books.csv"), "isbn\nb2\nb1\n");
        File.WriteAllText(PathOf("map.json"), $$$"""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When"}{{{files}}} }""");
        using var set = ImportReader.Open(_folder.Path, null, PathOf("map.json"), null, null);
        set.ReadAll(null);
        Assert.Equal([ann, bob], new[] { "ann", "bob" }.Select(user => set.PlaceOf("profiles", $"{NamedUuid.Of("two_tower:user:" + user)}")));
        Assert.Equal([b1, b2], new[] { "b1", "b2" }.Select(item => set.PlaceOf("videos", $"{NamedUuid.Of("two_tower:video:" + item)}")));
    }

    [Fact]
    public void A_file_without_a_header_or_times_is_read_too()
    {
        File.WriteAllText(PathOf("clicks.dat"), "u1|v1|buy\nu1|v2|skip\n");
        var (tables, said) = Read(
            """{"interactions": {"file": "clicks.dat", "separator": "|", "header": ["user", "item", "event"], "user": "user", "item": "item", "like": "event = buy", "nope": "event = skip"}}""");
        Assert.Equal([DecisionType.Like, DecisionType.Nope], tables.Decisions.Select(row => row.Type));
        Assert.True(tables.Decisions[0].CreatedAt < tables.Decisions[1].CreatedAt);
        Assert.Contains(said, note => note.Contains("names no column of times", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(";", "")]
    [InlineData("|", "")]
    [InlineData("\\t", "")]
    [InlineData(";", ", \"quotes\": false")]
    public void Quotes_hold_for_every_separator_unless_the_map_says_that_there_are_none(string separator, string quotes)
    {
        var sign = separator == "\\t" ? "\t" : separator;
        var field = quotes.Length == 0 ? $"\"a{sign}b\n\"\"c\"\"\"" : "\"a\" b";
        File.WriteAllText(PathOf("books.txt"), string.Join(sign, "isbn", "name", "cost") + "\n" + string.Join(sign, "b1", field, "9.5") + "\n");

        var (tables, _) = Read(
            $$$"""
            {
              "interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 4"},
              "items": {"file": "books.txt", "separator": "{{{separator}}}"{{{quotes}}}, "id": "isbn", "columns": {"title": "name", "price": "cost"}}
            }
            """);

        Assert.Equal((quotes.Length == 0 ? $"a{sign}b\n\"c\"" : field, 9.5m), (tables.Videos[0].Title, tables.Videos[0].Price!.Value));
    }

    [Fact]
    public void A_column_of_a_file_may_be_several_of_ours()
    {
        File.WriteAllText(PathOf("books.csv"), "isbn,title,since\nb1,Heat,1995\nb2,Ronin,1998-09-25\n");
        var (tables, _) = Read(
            """
            {
              "interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 4"},
              "items": {"file": "books.csv", "id": "isbn",
                "columns": {"title": "isbn", "description": "title", "product_released_at": "since", "external_id": "isbn"}}
            }
            """);

        Assert.Equal(("b1", "Heat", "b1", 1995), (tables.Videos[0].Title, tables.Videos[0].Description, tables.Videos[0].ExternalId, tables.Videos[0].ProductReleasedAt!.Value.Year));
        Assert.Equal(9, tables.Videos[1].ProductReleasedAt!.Value.Month);
    }

    [Fact]
    public void The_file_of_the_interactions_may_be_named_and_no_other()
    {
        File.WriteAllText(PathOf("map.json"), """{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 4"}}""");
        File.WriteAllText(PathOf("other.csv"), Ratings);
        using (var set = ImportReader.Open(PathOf("ratings.csv"), null, PathOf("map.json"), null, null)) Assert.Single(set.Decisions());

        Assert.Equal(
            $"{PathOf("other.csv")} is not the file of the interactions that map.json names, 'ratings.csv': give that one or its folder, or change the map.",
            Assert.Throws<InputException>(() => ImportReader.Open(PathOf("other.csv"), null, PathOf("map.json"), null, null)).Message);
    }

    [Fact]
    public void Interactions_that_no_rule_and_no_item_fits_leave_nothing_and_are_refused()
    {
        File.WriteAllText(PathOf("books.csv"), "isbn\nb2\n");
        var error = Assert.Throws<InputException>(() => Read(
            """
            {
              "interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 4"},
              "items": {"file": "books.csv", "id": "isbn"}
            }
            """));
        Assert.StartsWith("ratings.csv: 1 of 3 interactions name an item that the file of items doesn't have", error.Message, StringComparison.Ordinal);
        Assert.Contains("2 are neither a like nor a nope by the rules of map.json: none is left", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "lik": "Stars >= 4"}}""", "'lik'")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader"}}""", "item")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "like": "Stars"}}""", "the rule 'Stars' can't be read")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "like": "Stars >= many"}}""", "'many' is no number")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "like": "Sterne >= 4"}}""", "ratings.csv has no column 'Sterne'")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Readr", "item": "Book"}}""", "Is 'Reader' meant?")]
    [InlineData("""{"interactions": {"file": "nothing.csv", "user": "Reader", "item": "Book"}}""", "has no file 'nothing.csv'")]
    [InlineData("""{"interactions": {"file": "../ratings.csv", "user": "Reader", "item": "Book"}}""", "should be a name in the folder")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 3", "nope": "Stars <= 3"}}""", "line 3: column 'Stars' makes the row a like and a nope at once")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Book >= 3"}}""", "line 2: column 'Book' has 'b1' where a number was expected")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "time": "When", "like": "Stars >= 9"}}""", "none of 3 rows is a like or a nope")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book", "decision": "Stars", "like": "Stars >= 4"}}""", "give one of them")]
    [InlineData("""{"interactions": {"file": "ratings.csv", "user": "Reader", "item": "Book"}, "items": {"file": "ratings.csv", "id": "Book", "columns": {"titel": "Reader"}}}""", "names 'titel', which is no column of ours")]
    [InlineData("nonsense", "is no map for an import")]
    public void A_map_that_does_not_fit_is_refused_with_what_is_wrong(string map, string reason) =>
        Assert.Contains(reason, Assert.Throws<InputException>(() => Read(map)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_report_counts_without_writing_and_goes_past_bad_rows()
    {
        _folder.Write("videos", $"id,title,price\n{V1},one,5\n{V2},,7.5\n");
        _folder.Write(
            "user_video_decisions",
            $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,2025-02-01\n{U1},{V1},like,2025-02-01\n{U2},{V2},nope,2025-03-01\n{U2},{V2},love,2025-03-01\n{U2},{V2},hate,2025-03-01\n");
        var notes = new List<string>();
        using var set = CsvTableReader.Open(_folder.Path, notes.Add, new() { SkipBad = int.MaxValue });

        var report = DataReport.Of(set);

        Assert.Equal((2, 2, 3L, 2L, 1L), (report.Profiles, report.Videos, report.Decisions, report.Likes, report.Repeated));
        Assert.Equal((2, 2), (report.Users, report.DecidedVideos));
        Assert.Equal(("2025-02-01", "2025-03-01"), ($"{report.First:yyyy-MM-dd}", $"{report.Last:yyyy-MM-dd}"));
        Assert.Equal(2, report.BadRows);
        Assert.Contains("line 5: column 'decision_type' has 'love'", report.FirstBadRows[0], StringComparison.Ordinal);
        Assert.Equal(new ColumnReport("price", 2, "5", "7.5"), report.Columns.Single(column => column.Name == "price"));
        Assert.Equal(1, report.Columns.Single(column => column.Name == "title").Known);
    }

    private (TableSet Tables, List<string> Said) Read(string map)
    {
        File.WriteAllText(PathOf("map.json"), map);
        var said = new List<string>();
        using var set = ImportReader.Open(_folder.Path, null, PathOf("map.json"), said.Add, null);
        return (set.ReadAll(said.Add), said);
    }

    private string PathOf(string file) => System.IO.Path.Combine(_folder.Path, file);
}
