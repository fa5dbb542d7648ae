using Npgsql;

#if LOCAL_POSTGRES
namespace TwoTower.LocalPostgres.Servers;
#else
namespace TwoTower.Postgres.Connections;
#endif

/// <summary>
/// The row that a reader is at; its columns go by name. Npgsql resolves the names once for a reader, so that one costs a look into a
/// dictionary.
/// </summary>
internal sealed class SqlRow(NpgsqlDataReader reader)
{
    /// <summary>A column's value; null only where <typeparamref name="T"/> is a nullable value type.</summary>
    /// <exception cref="InvalidCastException">It is null, or of another type.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such column.</exception>
    public T Get<T>(string column) => reader.GetFieldValue<T>(reader.GetOrdinal(column));

    /// <summary>A column's value, or null.</summary>
    public T? GetOrNull<T>(string column) where T : class
    {
        var ordinal = reader.GetOrdinal(column);
        return reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<T>(ordinal);
    }
}
