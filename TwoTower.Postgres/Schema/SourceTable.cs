using Npgsql;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>
/// Queries that give the rows of tables that can't be used as they are, such as tables with whole numbers as keys, in the shape that
/// <c>twotower import</c> reads; it makes uuids of their ids, and keeps the ids as what people see.
/// </summary>
/// <param name="File">The file that the rows go to.</param>
/// <param name="Query">The query.</param>
internal sealed record TableCopy(string File, string Query)
{
    // A table, the columns that an import needs, and those that it takes.
    private static readonly (string Table, string[] Required, string[] Others)[] Tables =
    [
        ("profiles", ["user_id"], ["display_name", "created_at"]),
        ("videos", ["id"], [.. VideoColumns.Typed.Where(name => name != "id"), .. VideoColumns.Other]),
        ("user_video_decisions", ["user_id", "video_id", "decision_type", "created_at"], []),
    ];

    /// <summary>The command that writes the file.</summary>
    public string Command => $"psql \"$TWOTOWER_DATABASE\" -c \"\\copy ({Query}) to 'tables/{File}' with (format csv, header)\"";

    /// <summary>The queries for what a database has of the tables.</summary>
    internal static async Task<IReadOnlyList<TableCopy>> OfAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var copies = new List<TableCopy>();
        foreach (var (table, required, others) in Tables)
        {
            var columns = await ColumnsAsync(connection, table, ct);
            if (!required.All(columns.Contains)) continue;
            var taken = required.Concat(others.Where(columns.Contains)).Select(name => name == "price" ? "price::numeric as price" : name);
            copies.Add(new($"{table}.csv", $"select {string.Join(", ", taken)} from public.{table}"));
        }

        foreach (var (table, name, id, names) in new[] { ("video_tags", "tag_name", "tag_id", "tags"),
            ("video_performers", "performer_name", "performer_id", "performers") })
        {
            var columns = await ColumnsAsync(connection, table, ct);
            if (!columns.Contains("video_id")) continue;
            if (columns.Contains(name)) copies.Add(new($"{table}.csv", $"select video_id, {name} from public.{table}"));
            else if (columns.Contains(id)) copies.Add(
                new($"{table}.csv", $"select t.video_id, n.name as {name} from public.{table} t join public.{names} n on n.id = t.{id}"));
        }

        return copies;
    }

    private static async Task<HashSet<string>> ColumnsAsync(NpgsqlConnection connection, string table, CancellationToken ct) =>
    [
        .. await connection.Sql(
            "select attname::text from pg_attribute where attrelid = to_regclass(@table) and attnum > 0 and not attisdropped")
            .With("table", "public." + table).ListAsync<string>(ct),
    ];
}
