using System.Globalization;
using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;

namespace TwoTower.Testing;

/// <summary>One request's statements, in its transaction. Before <see cref="BecomeAsync"/> it looks at the schema, as PostgREST's cache does.</summary>
internal sealed class RestCall(NpgsqlConnection connection, HttpRequest request, string body, int maxRows)
{
    public HttpRequest Request => request;

    public string Body => body;

    public int MaxRows => maxRows;

    /// <summary>What a part of the header Prefer asks for.</summary>
    public string? Prefers(string name) => request.Headers["Prefer"].ToString().Split(',', StringSplitOptions.TrimEntries)
        .Where(part => part.StartsWith(name + "=", StringComparison.Ordinal)).Select(part => part[(name.Length + 1)..]).FirstOrDefault();

    public string Applied(params string[] names) =>
        string.Join(", ", names.Select(name => Prefers(name) is { } value ? $"{name}={value}" : null).OfType<string>());

    /// <summary>The rows of the header Range.</summary>
    public (long First, long? Last) Range()
    {
        var parts = request.Headers.Range.ToString().Replace("items=", "", StringComparison.Ordinal).Split('-');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            ? (first, long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : null)
            : (0, null);
    }

    public async Task BecomeAsync(Caller caller)
    {
        await using var become = new NpgsqlCommand("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", connection)
        {
            Parameters = { new() { Value = caller.Role ?? "anon" }, new() { Value = caller.Claims ?? "{}" } },
        };
        await become.ExecuteNonQueryAsync();
    }

    /// <summary>The columns of a table of schema public, with their types.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ColumnsAsync(string table)
    {
        var columns = new Dictionary<string, string>();
        await using var command = Command(
            """
            select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'public'::regnamespace and c.relname = $1 and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
            """, [table]);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) columns.Add(reader.GetString(0), reader.GetString(1));
        return columns;
    }

    public Task<IReadOnlyList<string>> PrimaryKeyAsync(string table) => ListAsync(
        """
        select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indisprimary and i.indrelid = (select c.oid from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = $1)
        """, table);

    /// <summary>The columns of a select as SQL, embedded tables as jsonb by their foreign keys.</summary>
    public async Task<string> SelectAsync(string table, IReadOnlyList<RestColumn> columns)
    {
        var parts = new List<string>();
        foreach (var column in columns)
        {
            if (column.Embedded is null)
            {
                parts.Add(column.Name == "*" ? $"{RestQuery.Quote(table)}.*" : RestQuery.Column(table, column.Name));
                continue;
            }

            // The key is the other table's, one row to many, or this one's.
            var many = await KeyAsync(column.Name, table);
            var one = many is null ? await KeyAsync(table, column.Name) : null;
            var (own, other) = (many, one) switch
            {
                ({ } key, _) => (key.Referenced, key.Column),
                (_, { } key) => (key.Column, key.Referenced),
                _ => throw new RestException(
                    400, "PGRST200", $"Could not find a relationship between '{table}' and '{column.Name}' in the schema cache",
                    $"Searched for a foreign key relationship between '{table}' and '{column.Name}' in the schema 'public', but no matches were found."),
            };
            var inner = $"select {await SelectAsync(column.Name, column.Embedded)} from public.{RestQuery.Quote(column.Name)} "
                + $"where {RestQuery.Column(column.Name, other)} = {RestQuery.Column(table, own)}";
            parts.Add(many is null
                ? $"(select to_jsonb(_e) from ({inner}) _e) as {RestQuery.Quote(column.Name)}"
                : $"(select coalesce(jsonb_agg(_e), '[]') from ({inner} limit {maxRows}) _e) as {RestQuery.Quote(column.Name)}");
        }

        return string.Join(", ", parts);
    }

    /// <summary>The overload of a function that takes these arguments.</summary>
    public async Task<(bool Found, IReadOnlyList<(string Name, string Type)> Arguments, bool IsSet,
        bool IsRow)> FunctionAsync(string name, string[] given)
    {
        var arguments = new List<(string, string)>();
        await using var find = new NpgsqlCommand(
            """
            select p.proretset, a.name, format_type(p.proargtypes[a.position - 1], null), p.prorettype = 'record'::regtype or t.typtype = 'c'
            from pg_proc p join pg_type t on t.oid = p.prorettype
            left join lateral unnest(p.proargnames[1:p.pronargs]) with ordinality as a (name, position) on true
            where p.oid = (
              select f.oid from pg_proc f
              where f.pronamespace = 'public'::regnamespace and f.proname = $1 and coalesce(f.proargnames[1:f.pronargs], '{}') @> $2
                and f.pronargs - f.pronargdefaults <= cardinality($2)
              order by f.pronargs limit 1)
            order by a.position
            """, connection)
        { Parameters = { new() { Value = name }, new() { Value = given } } };
        await using var reader = await find.ExecuteReaderAsync();
        var (found, isSet, isRow) = (false, false, false);
        while (await reader.ReadAsync())
        {
            (found, isSet, isRow) = (true, reader.GetBoolean(0), reader.GetBoolean(3));
            if (!await reader.IsDBNullAsync(1)
                && given.Contains(reader.GetString(1))) arguments.Add((reader.GetString(1), reader.GetString(2)));
        }

        return (found, arguments, isSet, isRow);
    }

    /// <summary>The arguments of the shortest overload of a name; null where there is none.</summary>
    public Task<string?> NearestAsync(string name) => ScalarAsync<string>(
        """
        select array_to_string(f.proargnames[1:f.pronargs], ', ') from pg_proc f
        where f.pronamespace = 'public'::regnamespace and f.proname = $1 order by f.pronargs limit 1
        """, [name]);

    /// <summary>Runs a query and gives its rows as a JSON array.</summary>
    public async Task<(long Rows, string Json)> RowsAsync(string sql, IReadOnlyList<string> values, string row = "_t")
    {
        // A statement that changes rows stands at the top.
        var isChange = sql.StartsWith("with changed as ", StringComparison.Ordinal);
        var at = sql.IndexOf(") select ", StringComparison.Ordinal);
        var text = isChange ? $"{sql[..(at + 1)]}, _q as ({sql[(at + 2)..]}) select count(*), coalesce(json_agg(_q), '[]')::text from _q"
            : $"select count(*), coalesce(json_agg({row}), '[]')::text from ({sql}) _t";
        await using var command = Command(text, values);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetString(1));
    }

    /// <summary>Inserts and tells how many rows are new, and the rows as a JSON array.</summary>
    public async Task<(long Inserted, string Json)> WrittenAsync(string insert, string table, string select, string json)
    {
        var rows = select.Length == 0 ? "'[]'" : $"(select coalesce(json_agg(_t), '[]')::text from (select {select} from _w as {RestQuery.Quote(table)}) _t)";
        await using var command = Command(
            $"with _w as ({insert} returning *, xmax = 0 as _is_new) select (select count(*) from _w where _is_new), {rows}", [json], NpgsqlDbType.Json);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetString(1));
    }

    public async Task ExecuteAsync(string sql, string json)
    {
        await using var command = Command(sql, [json], NpgsqlDbType.Json);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<int> ExecuteAsync(string sql, IReadOnlyList<string> values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<T?> ScalarAsync<T>(string sql, IReadOnlyList<string> values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    // The column of a table that refers to another, and the column that it refers to.
    private async Task<(string Column, string Referenced)?> KeyAsync(string table, string referenced)
    {
        await using var command = Command(
            """
            select a.attname::text, r.attname::text
            from pg_constraint k
            join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1] join pg_attribute r on r.attrelid = p.oid and r.attnum = k.confkey[1]
            where k.contype = 'f' and c.relnamespace = 'public'::regnamespace and c.relname = $1 and p.relname = $2 and p.relnamespace = c.relnamespace
            """, [table, referenced]);
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() ? (reader.GetString(0), reader.GetString(1)) : null;
    }

    private async Task<IReadOnlyList<string>> ListAsync(string sql, string value)
    {
        var rows = new List<string>();
        await using var command = Command(sql, [value]);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) rows.Add(reader.GetString(0));
        return rows;
    }

    // Of no type: the server takes that of the column which a value is compared with.
    private NpgsqlCommand Command(string sql, IReadOnlyList<string> values, NpgsqlDbType type = NpgsqlDbType.Unknown)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value, NpgsqlDbType = type });
        return command;
    }
}
