using Npgsql;
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
            if (await RelationAsync(connection, table, ct) is not { } relation) continue;
            var columns = await ColumnsAsync(connection, relation, ct);
            if (columns.ContainsKey("video_id") && columns.ContainsKey(name))
            {
                tables.Add(new(table, $"select video_id::text as video_id, {name} from {relation}", null));
            }
            else if (!columns.ContainsKey(name) && columns.ContainsKey(id) && await RelationAsync(connection, names, ct) is { } namesTable)
            {
                tables.Add(Joined(table, name, id, (relation, columns), (namesTable, await ColumnsAsync(connection, namesTable, ct))));
            }
            else
            {
                tables.Add(new(table, null, ViewOf(table, relation, columns, [("video_id", VideoGuesses), (name, ["tag", "performer", "name"])], [])));
            }
        }

        return tables;
    }

    // Names in a table of their own: tags(id, name) with video_tags(video_id, tag_id).
    private static SourceTable Joined(
        string table, string name, string id, (string Name, Dictionary<string, string> Columns) links,
        (string Name, Dictionary<string, string> Columns) names)
    {
        var from = $"from {links.Name} t join {names.Name} n on ";
        if (links.Columns.ContainsKey("video_id") && names.Columns.ContainsKey("id") && names.Columns.ContainsKey("name"))
        {
            return new(table, $"select t.video_id::text as video_id, n.name as {name} {from}{Equal("id")}", null);
        }

        var video = Guess(links.Columns.Keys.Where(own => own != id), "video_id", VideoGuesses);
        var keys = names.Columns.Where(own => own.Key == "id" || own.Value == links.Columns[id]).Select(own => own.Key);
        var key = Guess(keys, "id", [id, "id", "no", id[..^"_id".Length]]);
        var text = Guess(names.Columns.Keys.Where(own => Quote(own) != key), "name", [name, "name", "label", "title", "text", "tag", "performer"]);
        return new(table, null, $"create view two_tower.{table} as select t.{video} as video_id, n.{text} as {name} {from}{Equal(key)}");

        // Of a text and a number PostgreSQL doesn't say whether they are the same.
        string Equal(string own) => names.Columns.TryGetValue(own, out var type) && IsText(type) != IsText(links.Columns[id])
            ? $"n.{own}::text = t.{id}::text" : $"n.{own} = t.{id}";
    }

    private static bool IsText(string type) => type == "text" || type.StartsWith("character", StringComparison.Ordinal);

    private static string Guess(IEnumerable<string> columns, string name, IEnumerable<string> guesses)
    {
        var own = columns.ToList();
        var guess = own.Contains(name)
            ? name
            : guesses.Select(part => own.Find(column => Fits(column, part))).FirstOrDefault(found => found is not null);
        return guess is null ? $"<{name}>" : Quote(guess);
    }

    private static async Task<SourceTable> OfAsync(
        NpgsqlConnection connection, string table, (string Name, string[] Guesses)[] required, string[] others, CancellationToken ct)
    {
        if (await RelationAsync(connection, table, ct) is not { } relation) return new(table, null, ViewOf(table, "<your table>", [], required, []));
        var columns = await ColumnsAsync(connection, relation, ct);
        var taken = others.Where(columns.ContainsKey).ToArray();
        if (!required.All(column => columns.ContainsKey(column.Name)))
        {
            return new(table, null, ViewOf(table, relation, columns, required, taken));
        }

        // As texts: a char(9) without its blanks.
        var selected = required.Select(column => column.Name is "created_at" ? column.Name : $"{column.Name}::text as {column.Name}")
            .Concat(taken.Select(name => columns[name] == "money" ? $"{name}::numeric as {name}" : name));
        return new(table, $"select {string.Join(", ", selected)} from {relation}", null);
    }

    private static string ViewOf(
        string table, string relation, Dictionary<string, string> columns, IEnumerable<(string Name, string[] Guesses)> required,
        IEnumerable<string> others)
    {
        var free = columns.Keys.Except(required.Select(column => column.Name)).ToList();
        var selected = required.Select(column =>
        {
            if (columns.ContainsKey(column.Name)) return column.Name;
            var guess = column.Guesses.Select(part => free.Find(own => Fits(own, part))).FirstOrDefault(found => found is not null);
            if (guess is not null) free.Remove(guess);
            return $"{(guess is null ? $"<{column.Name}>" : Quote(guess))} as {column.Name}";
        });
        return $"create view two_tower.{table} as select {string.Join(", ", selected.Concat(others))} from {relation}";
    }

    // "id" is only itself; "user" is also in "userid" and "user_no".
    private static bool Fits(string column, string part) =>
        part.Length <= 2 ? column.Equals(part, StringComparison.OrdinalIgnoreCase) || column.EndsWith("_" + part, StringComparison.OrdinalIgnoreCase)
            : column.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static string Quote(string name) =>
        name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '_') && !char.IsAsciiDigit(name[0])
            ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // A view that somebody made for this comes first.
    private static Task<string?> RelationAsync(NpgsqlConnection connection, string table, CancellationToken ct) => connection.Sql(
        """
        select n.nspname || '.' || c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('two_tower', 'public') and c.relname = @table and c.relkind in ('r', 'p', 'v', 'm', 'f')
        order by n.nspname desc limit 1
        """)
        .With("table", table).ScalarAsync<string>(ct);

    private static async Task<Dictionary<string, string>> ColumnsAsync(
        NpgsqlConnection connection, string relation, CancellationToken ct) =>
        (await connection.Sql(
            """
            select attname::text as name, format_type(atttypid, atttypmod) as type
            from pg_attribute where attrelid = to_regclass(@relation) and attnum > 0 and not attisdropped order by attnum
            """)
            .With("relation", relation).ListAsync(row => (row.Get<string>("name"), row.Get<string>("type")), ct)).ToDictionary();
}
