using Npgsql;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>
/// A table of somebody's database that isn't in TwoTower's shape, such as one with whole numbers as keys, as an import reads it: the import
/// makes uuids of its ids, and keeps the ids as what people see. A view <c>two_tower.NAME</c> is read in place of <c>public.NAME</c>.
/// </summary>
/// <param name="Name">Its name in TwoTower's shape.</param>
/// <param name="Query">Gives its rows; null where it is missing or lacks a column.</param>
/// <param name="View">Where it lacks a column or is missing: the view to create. What nobody can guess stands in angle brackets.</param>
internal sealed record SourceTable(string Name, string? Query, string? View)
{
    /// <summary>The columns that an import doesn't read, a sentence each.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    private static readonly string[] VideoGuesses = ["video", "item", "movie", "film", "product", "book"];

    // A table, the columns that an import needs, each with what it may be called elsewhere, and those that it takes.
    private static readonly (string Table, (string Name, string[] Guesses)[] Required, string[] Others)[] Tables =
    [
        ("profiles", [("user_id", ["id", "user", "customer", "member", "reader", "account"])], ["display_name", "created_at"]),
        ("videos", [("id", VideoGuesses)], [.. VideoColumns.Typed.Where(name => name != "id"), .. VideoColumns.Other]),
        ("user_video_decisions",
            [
                ("user_id", ["user", "customer", "member", "reader", "account", "profile"]),
                ("video_id", VideoGuesses),
                ("decision_type", ["decision", "type", "action", "event", "kind"]),
                ("created_at", ["created", "time", "date", "at", "when"]),
            ], []),
    ];

    private static readonly (string Table, string Name, string Id, string Names)[] NameTables =
        [("video_tags", "tag_name", "tag_id", "tags"), ("video_performers", "performer_name", "performer_id", "performers")];

    /// <summary>Looks at a database.</summary>
    public static async Task<IReadOnlyList<SourceTable>> FindAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var tables = new List<SourceTable>();
        foreach (var (table, required, others) in Tables) tables.Add(await OfAsync(connection, table, required, others, ct));

        // Who decides is known without a table of users.
        if (tables[0] is { Query: null } && await RelationAsync(connection, "profiles", ct) is null && tables[2].Query is { } decisions)
        {
            tables[0] = tables[0] with { Query = $"select distinct d.user_id from ({decisions}) d", View = null };
        }

        foreach (var (table, name, id, names) in NameTables)
        {
            if (await RelationAsync(connection, table, ct) is not { } links) continue;
            if (links.Find(name) is null && links.Find(id) is { } link && await RelationAsync(connection, names, ct) is { } namesTable)
            {
                tables.Add(Joined(table, name, (links, id, link), namesTable));
                continue;
            }

            var (video, text) = (links.Find("video_id"), links.Find(name));
            tables.Add(video is { IsOne: true } && text is { IsOne: true }
                ? new(table, $"select {video.Sql}::text as video_id, {text.Sql} as {name} from {links.Name}", null)
                {
                    Ignored = [.. ColumnNames.Ignored(links, ["video_id", name])],
                }
                : new(table, null, ViewOf(table, links, [("video_id", VideoGuesses), (name, ["tag", "performer", "name"])], [])));
        }

        return tables;
    }

    // Names in a table of their own: tags(id, name) with video_tags(video_id, tag_id).
    private static SourceTable Joined(string table, string name, (Relation Table, string Name, Match Column) link, Relation names)
    {
        var from = $"from {link.Table.Name} t join {names.Name} n on ";
        var (video, key, text) = (link.Table.Find("video_id"), names.Find("id"), names.Find("name"));
        if (link.Column.IsOne && video is { IsOne: true } && key is { IsOne: true } && text is { IsOne: true })
        {
            return new(table, $"select t.{video.Sql}::text as video_id, n.{text.Sql} as {name} {from}{Equal(key)}", null)
            {
                Ignored = [.. ColumnNames.Ignored(link.Table, ["video_id", link.Name]), .. ColumnNames.Ignored(names, ["id", "name"])],
            };
        }

        video ??= Guess(link.Table.Except(link.Column), "video_id", VideoGuesses);
        key ??= Guess(
            [.. names.Columns.Where(own => own.Type == link.Column.Type)], "id", [link.Name, "id", "no", link.Name[..^"_id".Length]]);
        text = text is not null && text.Sql != key.Sql
            ? text : Guess(names.Except(key), "name", [name, "name", "label", "title", "text", "tag", "performer"]);
        return new(table, null, $"create view two_tower.{table} as select t.{video.Sql} as video_id, n.{text.Sql} as {name} {from}{Equal(key)}");

        // Of a text and a number PostgreSQL doesn't say whether they are the same.
        string Equal(Match own) => own.Type is { } type && link.Column.Type is { } other && IsText(type) != IsText(other)
            ? $"n.{own.Sql}::text = t.{link.Column.Sql}::text" : $"n.{own.Sql} = t.{link.Column.Sql}";
    }

    private static bool IsText(string type) => type == "text" || type.StartsWith("character", StringComparison.Ordinal);

    private static Match Guess(List<Column> free, string name, IEnumerable<string> guesses)
    {
        var found = guesses.Select(part => free.FindIndex(own => Fits(own.Name, part))).FirstOrDefault(at => at >= 0, -1);
        if (found < 0) return new($"<{name}>", null, false);
        var guess = free[found];
        free.RemoveAt(found);
        return new(guess.Quoted, guess.Type, true);
    }

    private static async Task<SourceTable> OfAsync(
        NpgsqlConnection connection, string table, (string Name, string[] Guesses)[] required, string[] others, CancellationToken ct)
    {
        if (await RelationAsync(connection, table, ct) is not { } relation)
        {
            return new(table, null, ViewOf(table, new("<your table>", []), required, []));
        }

        var found = required.Select(column => (column.Name, Column: relation.Find(column.Name))).ToList();
        var taken = others.Select(name => (Name: name, Column: relation.Find(name))).Where(other => other.Column is not null).ToList();
        if (found.Concat(taken).Any(column => column.Column is not { IsOne: true }))
        {
            return new(table, null, ViewOf(table, relation, required, taken.Select(other => other.Column!.As(other.Name))));
        }

        // As texts: a char(9) without its blanks.
        var selected = found.Select(column => column.Name is "created_at" ? column.Column!.As(column.Name) : $"{column.Column!.Sql}::text as {column.Name}")
            .Concat(taken.Select(other => other.Column!.Type == "money" ? $"{other.Column.Sql}::numeric as {other.Name}" : other.Column.As(other.Name)));
        return new(table, $"select {string.Join(", ", selected)} from {relation.Name}", null)
        {
            Ignored = [.. ColumnNames.Ignored(relation, [.. required.Select(column => column.Name), .. others])],
        };
    }

    private static string ViewOf(
        string table, Relation relation, (string Name, string[] Guesses)[] required, IEnumerable<string> others)
    {
        var free = relation.Except([.. required.Select(column => relation.Find(column.Name)).OfType<Match>()]);
        var selected = required.Select(column => (relation.Find(column.Name) ?? Guess(free, column.Name, column.Guesses)).As(column.Name));
        return $"create view two_tower.{table} as select {string.Join(", ", selected.Concat(others))} from {relation.Name}";
    }

    // "id" is only itself; "user" is also in "userid" and "user_no".
    private static bool Fits(string column, string part) =>
        part.Length <= 2 ? column.Equals(part, StringComparison.OrdinalIgnoreCase) || column.EndsWith("_" + part, StringComparison.OrdinalIgnoreCase)
            : column.Contains(part, StringComparison.OrdinalIgnoreCase);

    // A view that somebody made for this comes first.
    private static async Task<Relation?> RelationAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        var columns = await connection.Sql(
            """
            select c.relation, a.attname::text as name, quote_ident(a.attname) as quoted, format_type(a.atttypid, a.atttypmod) as type
            from (
              select c.oid, n.nspname || '.' || c.relname as relation
              from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname in ('two_tower', 'public') and c.relname = @table and c.relkind in ('r', 'p', 'v', 'm', 'f')
              order by n.nspname desc limit 1
            ) c
            left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            order by a.attnum
            """)
            .With("table", table)
            .ListAsync(row => (Relation: row.Get<string>("relation"), Name: row.GetOrNull<string>("name"), Quoted: row.GetOrNull<string>("quoted"),
                Type: row.GetOrNull<string>("type")), ct);
        if (columns.Count == 0) return null;
        var named = columns.Where(own => own.Name is not null).Select(own => new Column(own.Name!, own.Quoted!, own.Type!));
        return new(columns[0].Relation, [.. named]);
    }

    private sealed record Column(string Name, string Quoted, string Type);

    // A column as SQL names it; where nobody can say which it is, what stands in angle brackets.
    private sealed record Match(string Sql, string? Type, bool IsOne)
    {
        public string As(string name) => Sql == name ? name : $"{Sql} as {name}";
    }

    private sealed record Relation(string Name, IReadOnlyList<Column> Columns) : INamedColumns
    {
        public IReadOnlyList<string> Header => [.. Columns.Select(column => column.Name)];

        public Match? Find(string name)
        {
            var found = ColumnNames.Find(Header, name);
            return found.Count switch
            {
                0 => null,
                1 => new(Columns[found[0]].Quoted, Columns[found[0]].Type, true),
                _ => new($"<{string.Join(" or ", found.Select(at => Columns[at].Quoted))}>", null, false),
            };
        }

        public List<Column> Except(params IReadOnlyList<Match> columns) =>
            [.. Columns.Where(own => columns.All(column => column.Sql != own.Quoted))];
    }
}
