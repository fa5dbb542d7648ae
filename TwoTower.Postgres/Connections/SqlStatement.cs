using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

#if LOCAL_POSTGRES
namespace TwoTower.LocalPostgres.Servers;
#else
namespace TwoTower.Postgres.Connections;
#endif

/// <summary>A statement as <see cref="Statements"/> makes it: given its parameters by name, then run once.</summary>
internal sealed class SqlStatement
{
    private readonly NpgsqlCommand _command;

    internal SqlStatement(NpgsqlCommand command) => _command = command;

    /// <summary>Gives the parameter <c>@name</c> its value.</summary>
    public SqlStatement With<T>(string name, T value)
    {
        _command.Parameters.Add(Statements.Parameter(name, value));
        return this;
    }

    /// <summary>Gives the parameter <c>@name</c> a text in JSON.</summary>
    public SqlStatement WithJson(string name, string json)
    {
        _command.Parameters.Add(new NpgsqlParameter { ParameterName = name, NpgsqlDbType = NpgsqlDbType.Jsonb, Value = json });
        return this;
    }

    /// <summary>Waits this long instead of the connection string's Command Timeout; 0 waits as long as it takes.</summary>
    public SqlStatement WithTimeout(int seconds)
    {
        _command.CommandTimeout = seconds;
        return this;
    }

    /// <summary>Runs it; returns how many rows it changed.</summary>
    public async Task<int> ExecuteAsync(CancellationToken ct)
    {
        await using (_command) return await _command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// The only column of the only row. Null, or no row, is null where <typeparamref name="T"/> has one, and an error elsewhere.
    /// </summary>
    public Task<T?> ScalarAsync<T>(CancellationToken ct) => ReadAsync<T?>(async reader =>
    {
        if (await reader.ReadAsync(ct) && !reader.IsDBNull(0)) return reader.GetFieldValue<T>(0);
        return default(T) is null ? default : throw new InvalidOperationException($"A value was expected of: {_command.CommandText}");
    }, ct);

    /// <summary>The only column of every row.</summary>
    public Task<List<T>> ListAsync<T>(CancellationToken ct) => ReadAsync(async reader =>
    {
        var values = new List<T>();
        while (await reader.ReadAsync(ct)) values.Add(reader.GetFieldValue<T>(0));
        return values;
    }, ct);

    /// <summary>All rows.</summary>
    public Task<List<T>> ListAsync<T>(Func<SqlRow, T> read, CancellationToken ct) => ReadAsync(async reader =>
    {
        var row = new SqlRow(reader);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct)) rows.Add(read(row));
        return rows;
    }, ct);

    /// <summary>The row of a statement that always has one.</summary>
    public Task<T> SingleAsync<T>(Func<SqlRow, T> read, CancellationToken ct) => ReadAsync(async reader =>
        await reader.ReadAsync(ct)
            ? read(new(reader))
            : throw new InvalidOperationException($"A row was expected of: {_command.CommandText}"), ct);

    /// <summary>The first row, or null where there is none.</summary>
    public Task<T?> FirstOrNullAsync<T>(Func<SqlRow, T> read, CancellationToken ct) where T : class => ReadAsync(async reader =>
        await reader.ReadAsync(ct) ? read(new(reader)) : null, ct);

    /// <summary>All rows, one at a time: memory is a row, whatever their number.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(Func<SqlRow, T> read, [EnumeratorCancellation] CancellationToken ct)
    {
        await using (_command)
        {
            await using var reader = await _command.ExecuteReaderAsync(ct);
            var row = new SqlRow(reader);
            while (await reader.ReadAsync(ct)) yield return read(row);
        }
    }

    // To the end, so that an error after the first row is an error.
    private async Task<T> ReadAsync<T>(Func<NpgsqlDataReader, Task<T>> read, CancellationToken ct)
    {
        await using (_command)
        {
            await using var reader = await _command.ExecuteReaderAsync(ct);
            var result = await read(reader);
            while (await reader.NextResultAsync(ct))
            {
                // Statements after the first have nothing to read.
            }

            return result;
        }
    }
}
