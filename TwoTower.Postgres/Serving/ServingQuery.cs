using System.Globalization;
using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>A query of a request: the server ends it at the deadline, whatever becomes of the client.</summary>
/// <param name="db">The database. Its connections may go through a transaction pooler: no session state is relied on.</param>
/// <param name="deadline">Time that it may take on the server.</param>
internal sealed class ServingQuery(NpgsqlDataSource db, TimeSpan deadline)
{
    // A server that doesn't answer at all: then the connection is given up. Npgsql tries to cancel first, which takes a thread meanwhile.
    private const int SilenceSeconds = 10;

    private readonly string _milliseconds = ((long)deadline.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>Runs it and reads its rows; one round trip, one transaction.</summary>
    /// <param name="sql">With <c>@name</c>, ….</param>
    /// <param name="parameters">Their values, as <see cref="Statements.Parameter"/> makes them.</param>
    /// <param name="read">Reads a row.</param>
    /// <param name="ct">Looked at beforehand and never given to Npgsql (<see cref="RequestSlots"/>).</param>
    /// <param name="expected">Rows, for the memory that the answer takes.</param>
    public async Task<List<T>> ListAsync<T>(
        string sql, IEnumerable<NpgsqlParameter> parameters, Func<SqlRow, T> read, CancellationToken ct, int expected = 1)
    {
        ct.ThrowIfCancellationRequested();
        await using var batch = db.SqlBatch(
            (int)Math.Ceiling(deadline.TotalSeconds) + SilenceSeconds,
            ("select set_config('statement_timeout', @deadline, true)", [Statements.Parameter("deadline", _milliseconds)]),
            (sql, parameters));
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.NextResultAsync(CancellationToken.None);
        var row = new SqlRow(reader);
        var rows = new List<T>(expected);
        while (await reader.ReadAsync(CancellationToken.None)) rows.Add(read(row));
        return rows;
    }
}
