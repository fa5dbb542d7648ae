using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;

namespace TwoTower.Postgres.Tables;

/// <summary>A column of a staging table.</summary>
/// <param name="Name">Name in the staging table and in the target.</param>
/// <param name="Type">Type in the staging table: uuid, text, timestamptz, int4, int2, bool, numeric, text[] or real[].</param>
internal readonly record struct StagingColumn(string Name, string Type);

/// <summary>
/// A temporary table that rows are copied into, dropped with the transaction. Its columns have our types; <see cref="Select"/> casts
/// them to the target's, which in a table of theirs may be others (an enum, an integer price).
/// </summary>
internal sealed class Staging
{
    private const int ReportEvery = 10_000;
    private readonly NpgsqlConnection _connection;
    private readonly string _target;
    private readonly IReadOnlyList<StagingColumn> _columns;

    private Staging(NpgsqlConnection connection, string target, IReadOnlyList<StagingColumn> columns, string select)
    {
        _connection = connection;
        _target = target;
        _columns = columns;
        Select = select;
    }

    /// <summary>Qualified name of the staging table.</summary>
    public string Table => $"pg_temp.staged_{_target}";

    /// <summary>The columns, cast to the target's types, for <c>select … from {Table} s</c>.</summary>
    public string Select { get; }

    /// <summary>Creates a staging table for a table.</summary>
    public static async Task<Staging> CreateAsync(
        NpgsqlConnection connection, string target, IReadOnlyList<StagingColumn> columns, CancellationToken ct, string schema = "public")
    {
        var types = new Dictionary<string, string>();
        await using (var command = new NpgsqlCommand(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
            connection)
        { Parameters = { new() { Value = $"{schema}.{target}" } } })
        {
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) types.Add(reader.GetString(0), reader.GetString(1));
        }

        if (types.Count == 0) throw new InputException($"The database has no table {schema}.{target}. Run: twotower db migrate");
        await ExecuteAsync(
            connection,
            $"create temp table staged_{target} ({string.Join(", ", columns.Select(column => $"{column.Name} {column.Type}"))}) on commit drop", ct);
        return new(connection, target, columns, string.Join(", ", columns.Select(column =>
            $"s.{column.Name}::{types.GetValueOrDefault(column.Name, column.Type)}")));
    }

    /// <summary>Copies rows and tells the planner about them.</summary>
    public async Task CopyAsync<T>(IReadOnlyCollection<T> rows, Action<StagingRowWriter, T> write, IProgress<WriteProgress>? progress, CancellationToken ct)
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
                    progress?.Report(new(_target, sent, rows.Count));
                }

                importer.StartRow();
                write(writer, row);
                sent++;
            }

            await importer.CompleteAsync(ct);
            progress?.Report(new(_target, sent, rows.Count));
        }

        await ExecuteAsync(_connection, $"analyze {Table}", ct);
    }

    /// <summary>Runs a statement.</summary>
    public static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}

/// <summary>Writes the fields of a row, nulls included.</summary>
internal sealed class StagingRowWriter(NpgsqlBinaryImporter importer)
{
    public void Write(Guid value) => importer.Write(value, NpgsqlDbType.Uuid);

    public void Write(short value) => importer.Write(value, NpgsqlDbType.Smallint);

    public void Write(bool value) => importer.Write(value, NpgsqlDbType.Boolean);

    public void Write(IReadOnlyList<string> value) => importer.Write(value.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);

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
        else importer.Write(value.Value.UtcDateTime, NpgsqlDbType.TimestampTz);
    }
}
