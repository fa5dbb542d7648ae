using Npgsql;

namespace TwoTower.Embedding.Publishing;

/// <summary>Statements of one transaction.</summary>
internal sealed class TransactionSql(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken ct)
{
    /// <summary>Runs statements; returns the rows of the last.</summary>
    public async Task<long> ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The first column of the first row.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteScalarAsync(ct) is T value ? value : default;
    }

    /// <summary>The first column of every row.</summary>
    public async Task<IReadOnlyList<T>> ListAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var values = new List<T>();
        while (await reader.ReadAsync(ct)) values.Add(reader.GetFieldValue<T>(0));
        return values;
    }

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection, transaction);
        foreach (var parameter in parameters) command.Parameters.Add(new() { Value = parameter });
        return command;
    }
}
