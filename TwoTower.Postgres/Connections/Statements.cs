using System.Collections.Frozen;
using Npgsql;
using NpgsqlTypes;

#if LOCAL_POSTGRES
namespace TwoTower.LocalPostgres.Servers;
#else
namespace TwoTower.Postgres.Connections;
#endif

/// <summary>
/// The only place that makes commands: SQL whose parameters (<c>@release</c>) and columns go by name. Entities are read and written
/// through EF Core (<c>TwoTowerDb</c>); functions, set-based statements and the request path are sent from here
/// (docs/decisions/database-access.md).
/// </summary>
internal static class Statements
{
    // Said for every value, so that a null has a type, too.
    private static readonly FrozenDictionary<Type, NpgsqlDbType> Types = new Dictionary<Type, NpgsqlDbType>
    {
        [typeof(bool)] = NpgsqlDbType.Boolean,
        [typeof(int)] = NpgsqlDbType.Integer,
        [typeof(long)] = NpgsqlDbType.Bigint,
        [typeof(double)] = NpgsqlDbType.Double,
        [typeof(string)] = NpgsqlDbType.Text,
        [typeof(Guid)] = NpgsqlDbType.Uuid,
        [typeof(DateTimeOffset)] = NpgsqlDbType.TimestampTz,
        [typeof(TimeSpan)] = NpgsqlDbType.Interval,
        [typeof(bool[])] = NpgsqlDbType.Array | NpgsqlDbType.Boolean,
        [typeof(int[])] = NpgsqlDbType.Array | NpgsqlDbType.Integer,
        [typeof(long[])] = NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        [typeof(long?[])] = NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        [typeof(float[])] = NpgsqlDbType.Array | NpgsqlDbType.Real,
        [typeof(string[])] = NpgsqlDbType.Array | NpgsqlDbType.Text,
        [typeof(Guid[])] = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
        [typeof(Guid?[])] = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
        [typeof(DateTimeOffset[])] = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
    }.ToFrozenDictionary();

    /// <summary>A statement on a connection of the pool, in a transaction of its own.</summary>
    public static SqlStatement Sql(this NpgsqlDataSource db, string text) => new(db.CreateCommand(text));

    /// <summary>A statement on this connection, in its transaction if it is in one.</summary>
    public static SqlStatement Sql(this NpgsqlConnection connection, string text) => new(new NpgsqlCommand(text, connection));

    /// <summary>Statements in one round trip and one transaction.</summary>
    /// <param name="timeoutSeconds">How long the client waits.</param>
    /// <param name="statements">Each with its parameters, as <see cref="Parameter"/> makes them.</param>
    public static NpgsqlBatch SqlBatch(
        this NpgsqlDataSource db, int timeoutSeconds,
        params ReadOnlySpan<(string Text, IEnumerable<NpgsqlParameter> Parameters)> statements)
    {
        var batch = db.CreateBatch();
        batch.Timeout = timeoutSeconds;
        foreach (var (text, parameters) in statements)
        {
            var command = new NpgsqlBatchCommand(text);
            foreach (var parameter in parameters) command.Parameters.Add(parameter);
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    /// <summary>
    /// Work on one connection and in one transaction, which is committed when the work returns and rolled back when it throws.
    /// </summary>
    public static async Task<T> InTransactionAsync<T>(this NpgsqlDataSource db, Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var result = await work(connection);
        await transaction.CommitAsync(ct);
        return result;
    }

    /// <summary>A parameter <c>@name</c> of the type that <typeparamref name="T"/> is in PostgreSQL; times in UTC.</summary>
    /// <exception cref="ArgumentException">The type isn't one of those that are known here.</exception>
    public static NpgsqlParameter Parameter<T>(string name, T value)
    {
        if (!Types.TryGetValue(Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T), out var type))
        {
            throw new ArgumentException(
                $"@{name} is a {typeof(T)}, which has no PostgreSQL type in {nameof(Statements)}.{nameof(Types)}: add it there.",
                nameof(value));
        }

        object? sent = value is DateTimeOffset time ? time.ToUniversalTime() : value;
        return new NpgsqlParameter { ParameterName = name, NpgsqlDbType = type, Value = sent ?? DBNull.Value };
    }
}
