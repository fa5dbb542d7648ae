using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>
/// Reads RecBole's atomic files: <c>name.inter</c>, and <c>name.item</c> and <c>name.user</c> where there are any; tab-separated, with a
/// type behind each column's name (<c>rating:float</c>). A rating of 4 and up is a like, of 2.5 and down a nope; without ratings everything
/// is a like.
/// </summary>
internal static class RecBoleReader
{
    private static readonly string[] Endings = [".inter", ".item", ".user"];
    private static readonly string[] Times = ["timestamp", "time", "date", "created_at"];
    private static readonly string[] Ratings = ["rating", "ratings", "stars", "score", "overall"];
    private static readonly string[] Labels = ["label", "click", "is_click"];
    private static readonly string[] Titles = ["title", "movie_title", "item_name", "name", "book_title"];
    private static readonly string[] Years = ["release_year", "year"];
    private static readonly string[] OfUsers = ["display_name", "created_at"];
    private static readonly string[] Tags = ["class", "genre", "genres", "categories", "category", "tags"];

    /// <summary>True for the name of such a file.</summary>
    public static bool IsOne(string file) =>
        Endings.Any(ending => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>True for a folder with such files.</summary>
    internal static bool IsIn(string directory) => Directory.EnumerateFiles(directory, "*.inter").Any();

    /// <summary>Opens a folder: items are read at once, interactions as they are asked for.</summary>
    /// <param name="directory">The folder, or a zip archive of it.</param>
    /// <param name="say">Told what is left out or odd.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">A file or column is missing, or a row is wrong.</exception>
    public static ImportSet Open(string directory, Action<string>? say = null, ImportOptions? options = null) =>
        SourceFolder.Open(directory, source => Open(source, say, options));

    /// <summary>The same for a folder that is open; closed with the set.</summary>
    internal static ImportSet Open(SourceFolder source, Action<string>? say, ImportOptions? options)
    {
        var files = Directory.EnumerateFiles(source.Path, "*.inter").Order(StringComparer.Ordinal).ToList();
        var inter = files switch
        {
            [var only] => Path.GetFileName(only),
            [] => throw new InputException($"{source.Name} has no file that ends in .inter."),
            _ => throw new InputException(
                $"{source.Name} has several files that end in .inter: {string.Join(", ", files.Select(Path.GetFileName))}. Leave one."),
        };
        return MappedReader.Open(source, MapOf(source, inter), inter, say, options);
    }

    private static ImportMap MapOf(SourceFolder source, string inter)
    {
        var header = Header(source, inter);
        var name = Path.GetFileNameWithoutExtension(inter);
        if (header.Count < 2) throw new InputException($"{inter} has {header.Count} columns; a user and an item at least were expected.");
        var rating = First(header, Ratings);
        var label = rating is null ? First(header, Labels) : null;
        var item = First(header, ["item_id", "item"]) ?? header[1];
        return new()
        {
            Interactions = new()
            {
                File = inter,
                Separator = '\t',
                Quotes = false,
                User = First(header, ["user_id", "user"]) ?? header[0],
                Item = item,
                Time = First(header, Times),
                Like = rating is not null ? [RatingRule.Like(rating)] : label is not null ? [$"{label} >= 1"] : null,
                Nope = rating is not null ? [RatingRule.Nope(rating)] : label is not null ? [$"{label} <= 0"] : null,
            },
            Items = source.Find(name + ".item") is null ? null : Items(source, name + ".item", Plain(item)),
            Users = source.Find(name + ".user") is null ? null : Users(source, name + ".user"),
        };
    }

    private static ItemsMap Items(SourceFolder source, string file, string item)
    {
        var header = Header(source, file);
        var columns = new Dictionary<string, string>();
        foreach (var (ours, theirs) in new[] { ("title", First(header, Titles)), ("price", First(header, ["price"])),
            ("maker", First(header, ["brand", "maker", "publisher"])), ("product_released_at", First(header, Years)) })
        {
            if (theirs is not null) columns.Add(ours, theirs);
        }

        return new()
        {
            File = file,
            Separator = '\t',
            Quotes = false,
            Id = First(header, [item, "item_id", "item"]) ?? "item_id",
            Columns = columns,
            AreYearsGuessed = true,
            Tags = First(header, Tags),
            TagSeparator = " "
        };
    }

    private static UsersMap Users(SourceFolder source, string file)
    {
        var header = Header(source, file);
        return new()
        {
            File = file,
            Separator = '\t',
            Quotes = false,
            Id = First(header, ["user_id", "user"]) ?? header[0],
            Columns = OfUsers.Select(ours => (ours, theirs: First(header, [ours])))
                .Where(pair => pair.theirs is not null).ToDictionary(pair => pair.ours, pair => pair.theirs!),
        };
    }

    private static List<string> Header(SourceFolder source, string name)
    {
        using var file = TableFiles.Open(source.Find(name)!, '\t', quotes: false);
        return [.. file.Header];
    }

    private static string Plain(string column) => column.Split(':')[0];

    // A column by its name without the type.
    private static string? First(IReadOnlyList<string> header, IEnumerable<string> names) =>
        names.Select(name => header.FirstOrDefault(column => Plain(column).Equals(name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(found => found is not null);
}
