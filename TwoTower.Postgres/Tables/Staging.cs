using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>A column of a staging table.</summary>
/// <param name="Name">Name in the staging table and in the target.</param>
/// <param name="Type">Type in the staging table: uuid, text, timestamptz, int4, int2, bool, numeric, text[] or real[].</param>
/// <param name="IsSentAsText">Sent as PostgreSQL writes it, for values that .NET has none for (infinity, BC, NaN).</param>
internal readonly record struct StagingColumn(string Name, string Type, bool IsSentAsText = false);

/// <summary>
/// A temporary table that rows are copied into, dropped with the transaction. Its columns have our types; <see cref="Select"/> casts
/// them to the target's, which in a table of theirs may be others (an enum, an integer price).
/// </summary>
internal sealed class Staging
{
    /// <summary>Rows between two reports.</summary>
    public const int ReportEvery = 10_000;

    private readonly NpgsqlConnection _connection;
    private readonly string _target;
    private readonly IReadOnlyList<StagingColumn> _columns;
    private readonly string _schema;
    private readonly Dictionary<string, (string Type, bool IsRequired)> _targetColumns;

    private Staging(
        NpgsqlConnection connection, string schema, string target, IReadOnlyList<StagingColumn> columns,
        Dictionary<string, (string Type, bool IsRequired)> targetColumns)
    {
        _connection = connection;
        _schema = schema;
        _target = target;
        _columns = columns;
        _targetColumns = targetColumns;
    }

    /// <summary>Qualified name of the staging table.</summary>
    public string Table => $"pg_temp.staged_{_target}";

    /// <summary>The columns, cast to the target's types, for <c>select … from {Table} s</c>.</summary>
    public string Select => string.Join(", ", _columns.Select(column => Cast(column.Name)));

    /// <summary>A column, cast to the target's type.</summary>
    public string Cast(string column) =>
        $"s.{column}::{(_targetColumns.TryGetValue(column, out var target) ? target.Type : _columns.First(own => own.Name == column).Type)}";

    /// <summary>True when the target's column is NOT NULL.</summary>
    public bool IsRequired(string column) => _targetColumns.TryGetValue(column, out var target) && target.IsRequired;

    /// <summary>Creates a staging table for a table.</summary>
    public static async Task<Staging> CreateAsync(
        NpgsqlConnection connection, string target, IReadOnlyList<StagingColumn> columns, CancellationToken ct, string schema = "public")
    {
        var staging = await ForAsync(connection, target, columns, schema, ct);
        await ExecuteAsync(
            connection,
            $"create temp table staged_{target} ({string.Join(", ", columns.Select(column => $"{column.Name} {(column.IsSentAsText ? "text" : column.Type)}"))}) on commit drop", ct);
        return staging;
    }

    /// <summary>Creates a staging table with the rows of a query.</summary>
    public static async Task<Staging> CreateAsync(
        NpgsqlConnection connection, string target, IReadOnlyList<StagingColumn> columns, string query, CancellationToken ct)
    {
        var staging = await ForAsync(connection, target, columns, "public", ct);
        await ExecuteAsync(connection, $"create temp table staged_{target} on commit drop as {query}; analyze pg_temp.staged_{target}", ct);
        return staging;
    }

    private static async Task<Staging> ForAsync(
        NpgsqlConnection connection, string target, IReadOnlyList<StagingColumn> columns, string schema, CancellationToken ct)
    {
        var targetColumns = await ColumnsAsync(connection, schema, target, ct);
        return targetColumns.Count == 0
            ? throw new InputException($"The database has no table {schema}.{target}. Run: twotower db migrate")
            : new(connection, schema, target, columns, targetColumns);
    }

    private static async Task<Dictionary<string, (string Type, bool IsRequired)>> ColumnsAsync(
        NpgsqlConnection connection, string schema, string table, CancellationToken ct) =>
        (await connection.Sql(
            """
            select attname::text as name, format_type(atttypid, atttypmod) as type, attnotnull as is_required
            from pg_attribute where attrelid = to_regclass(@table) and attnum > 0 and not attisdropped
            """)
            .With("table", $"{schema}.{table}")
            .ListAsync(row => (Name: row.Get<string>("name"), Type: row.Get<string>("type"), IsRequired: row.Get<bool>("is_required")), ct))
        .ToDictionary(column => column.Name, column => (column.Type, column.IsRequired));

    /// <summary>Copies rows and tells the planner about them.</summary>
    public async Task CopyAsync<T>(
        IReadOnlyCollection<T> rows, Action<StagingRowWriter, T> write, IProgress<WriteProgress>? progress, CancellationToken ct) =>
        await CopyAsync(rows, rows.Count, write, progress, ct);

    /// <summary>The same for rows that are made one by one.</summary>
    public async Task CopyAsync<T>(
        IEnumerable<T> rows, long total, Action<StagingRowWriter, T> write, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        await using (var importer = await _connection.BeginBinaryImportAsync(
            $"copy {Table} ({string.Join(", ", _columns.Select(column => column.Name))}) from stdin (format binary)", ct))
        {
            var writer = new StagingRowWriter(importer);
            var sent = 0L;
            foreach (var row in rows)
            {
                if (sent % ReportEvery == 0)
                {
                    ct.ThrowIfCancellationRequested();
                    progress?.Report(new(_target, sent, total));
                }

                importer.StartRow();
                write(writer, row);
                sent++;
            }

            await importer.CompleteAsync(ct);
            progress?.Report(new(_target, sent, total));
        }

        var asText = _columns.Where(column => column.IsSentAsText)
            .Select(column => $"alter column {column.Name} type {column.Type} using {column.Name}::{column.Type}").ToList();
        if (asText.Count > 0) await ExecuteAsync(_connection, $"alter table {Table} {string.Join(", ", asText)}", ct);
        await ExecuteAsync(_connection, $"analyze {Table}", ct);
    }

    /// <summary>
    /// Sees to it that the target's types hold the values as they are: a cast cuts text to <c>varchar(20)</c> and rounds 9.50 to an integer
    /// without a word. Times that are rounded to a coarser type are only told.
    /// </summary>
    /// <param name="notes">Told about times that are rounded.</param>
    /// <returns>The columns whose times are rounded.</returns>
    /// <exception cref="InputException">A value would be changed.</exception>
    public async Task<IReadOnlyList<string>> CheckFitAsync(ICollection<string> notes, CancellationToken ct)
    {
        var rounded = new List<string>();
        foreach (var column in _columns)
        {
            if (!_targetColumns.TryGetValue(column.Name, out var target)) continue;
            if (await FindMisfitAsync(column, target.Type, ct) is not { } wrong) continue;
            if (!IsTime(column, target.Type)) throw Refusal($"{_schema}.{_target}.{column.Name}", target.Type, wrong);
            notes.Add($"{Amounts.Count(wrong.Values)} times of {_schema}.{_target}.{column.Name} are kept as {target.Type}: {wrong.Value} becomes {wrong.Kept}");
            rounded.Add(column.Name);
        }

        return rounded;
    }

    /// <summary>The same for a column whose values go into a column of another table of the schema.</summary>
    /// <exception cref="InputException">A value would be changed.</exception>
    public async Task CheckFitsElsewhereAsync(string column, string table, string targetColumn, CancellationToken ct)
    {
        var columns = await ColumnsAsync(_connection, _schema, table, ct);
        if (!columns.TryGetValue(targetColumn, out var target)) return;
        var own = _columns.First(own => own.Name == column);
        if (await FindMisfitAsync(own, target.Type, ct) is { } wrong) throw Refusal($"{_schema}.{table}.{targetColumn}", target.Type, wrong);
    }

    private async Task<Misfit?> FindMisfitAsync(StagingColumn column, string type, CancellationToken ct)
    {
        if (type == FullName(column.Type) || type is "json" or "jsonb" or "timestamp with time zone") return null;
        var from = IsTime(column, type) ? "timestamptz" : column.Type;
        var value = $"s.{column.Name}::{from}";
        return await _connection.Sql(
            $"""
            select s.{_columns[0].Name}::text as id, left(s.{column.Name}::text, 80) as value, left(({value}::{type})::text, 80) as kept, count(*) over () as values
            from {Table} s where {value}::{type}::{from} is distinct from {value} limit 1
            """)
            .FirstOrNullAsync(
                row => new Misfit(row.Get<string>("id"), row.Get<string>("value"), row.Get<string>("kept"), row.Get<long>("values")), ct);
    }

    private InputException Refusal(string column, string type, Misfit wrong) => new(
        $"The column {column} is {type} and doesn't hold '{wrong.Value}' of {_columns[0].Name} {wrong.Id}: it would become '{wrong.Kept}'. "
        + "Nothing was written. Give the column a wider type, or change the value.")
    {
        Row = (_target, wrong.Id),
    };

    private static bool IsTime(StagingColumn column, string type) =>
        column.Type == "timestamptz"
        || (column.Type == "text" && (type.StartsWith("timestamp", StringComparison.Ordinal) || type == "date"));

    private static string FullName(string type) => type switch
    {
        "timestamptz" => "timestamp with time zone",
        "int4" => "integer",
        "int2" => "smallint",
        "bool" => "boolean",
        _ => type,
    };

    private sealed record Misfit(string Id, string Value, string Kept, long Values);

    /// <summary>Runs a statement.</summary>
    /// <returns>How many rows it changed.</returns>
    public static Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        connection.Sql(sql).ExecuteAsync(ct);
}

/// <summary>Writes the fields of a row, nulls included.</summary>
internal sealed class StagingRowWriter(NpgsqlBinaryImporter importer)
{
    public void Write(Guid value) => importer.Write(value, NpgsqlDbType.Uuid);

    public void Write(short? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value.Value, NpgsqlDbType.Smallint);
    }

    public void Write(bool? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value.Value, NpgsqlDbType.Boolean);
    }

    public void Write(IReadOnlyList<string>? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);
    }

    public void Write(float[] value) => importer.Write(value, NpgsqlDbType.Array | NpgsqlDbType.Real);

    public void Write(string? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value, NpgsqlDbType.Text);
    }

    public void Write(int? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value.Value, NpgsqlDbType.Integer);
    }

    public void Write(decimal? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value.Value, NpgsqlDbType.Numeric);
    }

    public void Write(DateTimeOffset? value)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(PostgresTime.ToMicros(value.Value), NpgsqlDbType.TimestampTz);
    }
}
