using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;

namespace TwoTower.Postgres.Features;

/// <summary>
/// Reads payloads from the SQL functions (<c>use_rpc_features = true</c>): streamed, one statement for a thousand users or videos.
/// </summary>
internal static class PayloadReader
{
    private const int BatchSize = 1000;

    /// <summary>The payloads of users, ordered by id.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="ids">Whose; also of those without a profile or a decision. Null: everyone with a decision at or before as-of.</param>
    /// <param name="asOf">Later decisions don't count.</param>
    /// <param name="maxDecisions">The latest decisions of a user that count (recipe key <c>features.max_decisions</c>).</param>
    public static IAsyncEnumerable<UserPayload> ReadUsersAsync(
        NpgsqlDataSource db, IReadOnlyCollection<Guid>? ids, DateTimeOffset asOf, CancellationToken ct,
        int maxDecisions = FeatureOptions.DefaultMaxDecisions)
    {
        var json = PayloadJson.WithSharedStrings();
        return ReadAsync(
            db, ids,
            "select user_id from public.user_video_decisions where user_id is not null and created_at between '0001-01-01 00:00:00+00' and $1 and decision_type::text in ('like', 'nope') group by user_id order by user_id",
            "select p.payload::text from two_tower.user_payloads($2, $1, $3) p order by p.user_id",
            Parameter(asOf.UtcDateTime, NpgsqlDbType.TimestampTz), json.UserPayload, static payload => payload.Complete(), "get_user_embedding_features", ct,
            Parameter(maxDecisions, NpgsqlDbType.Integer));
    }

    /// <summary>The payloads of videos with all their vectors, ordered by id.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="ids">Which; those that don't exist are left out. Null: all, also inactive ones.</param>
    public static IAsyncEnumerable<ItemPayload> ReadItemsAsync(NpgsqlDataSource db, IReadOnlyCollection<Guid>? ids, CancellationToken ct) =>
        ReadItemsAsync(db, ids, null, ct);

    /// <summary>The payloads of videos with some of their vectors, ordered by id.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="ids">Which; those that don't exist are left out. Null: all, also inactive ones.</param>
    /// <param name="videoFeatures">Names of vectors (<c>two_tower.video_features</c>); null: all.</param>
    public static IAsyncEnumerable<ItemPayload> ReadItemsAsync(
        NpgsqlDataSource db, IReadOnlyCollection<Guid>? ids, IReadOnlyCollection<string>? videoFeatures, CancellationToken ct)
    {
        var json = PayloadJson.WithSharedStrings();
        return ReadAsync(
            db, ids, "select id from public.videos order by id",
            "select p.payload::text from two_tower.item_payloads($2, $1) p order by p.video_id",
            Parameter(videoFeatures?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text),
            json.ItemPayload, static payload => payload.Complete(), "get_item_embedding_features", ct);
    }

    private static async IAsyncEnumerable<T> ReadAsync<T>(
        NpgsqlDataSource db, IReadOnlyCollection<Guid>? ids, string idSql, string payloadSql, Func<NpgsqlParameter> first,
        JsonTypeInfo<T> type, Func<T, T> complete, string function, [EnumeratorCancellation] CancellationToken ct, Func<NpgsqlParameter>? third = null)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        foreach (var batch in (ids ?? await ReadIdsAsync(connection, idSql, first, ct)).Distinct().Order().Chunk(BatchSize))
        {
            await using var command = new NpgsqlCommand(payloadSql, connection) { Parameters = { first(), new() { Value = batch } } };
            if (third is not null) command.Parameters.Add(third());
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) yield return Parse(reader.GetFieldValue<byte[]>(0), type, complete, function);
        }
    }

    private static async Task<IReadOnlyCollection<Guid>> ReadIdsAsync(
        NpgsqlConnection connection, string sql, Func<NpgsqlParameter> first, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        if (sql.Contains("$1", StringComparison.Ordinal)) command.Parameters.Add(first());
        await using var reader = await command.ExecuteReaderAsync(ct);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(ct)) ids.Add(reader.GetGuid(0));
        return ids;
    }

    // A parameter belongs to one command.
    private static Func<NpgsqlParameter> Parameter(object? value, NpgsqlDbType type) => () => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static T Parse<T>(byte[] json, JsonTypeInfo<T> type, Func<T, T> complete, string function)
    {
        try
        {
            return complete(JsonSerializer.Deserialize(json, type) ?? throw new JsonException("it is null"));
        }
        catch (JsonException error)
        {
            throw new InputException($"{function} returned something else than its payload: {error.Message}", error);
        }
    }
}
