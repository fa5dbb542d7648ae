using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

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
    /// <exception cref="InputException">Row-level security hides rows.</exception>
    public static IAsyncEnumerable<UserPayload> ReadUsersAsync(
        NpgsqlDataSource db, IReadOnlyCollection<Guid>? ids, DateTimeOffset asOf, CancellationToken ct,
        int maxDecisions = FeatureOptions.DefaultMaxDecisions)
    {
        var json = PayloadJson.WithSharedStrings();
        return ReadAsync(
            db, WholeTables.All, ids,
            """
            select user_id from public.user_video_decisions
            where user_id is not null and created_at between '0001-01-01 00:00:00+00' and @as_of and decision_type::text in ('like', 'nope')
            group by user_id order by user_id
            """,
            "select p.payload::text from two_tower.user_payloads(@ids, @as_of, @max_decisions) p order by p.user_id",
            statement => statement.With("as_of", asOf).With("max_decisions", maxDecisions),
            json.UserPayload, static payload => payload.Complete(), "get_user_embedding_features", ct);
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
            db, WholeTables.Catalogue, ids, "select id from public.videos where id is not null order by id",
            "select p.payload::text from two_tower.item_payloads(@ids, @names) p order by p.video_id",
            statement => statement.With("names", videoFeatures?.ToArray()),
            json.ItemPayload, static payload => payload.Complete(), "get_item_embedding_features", ct);
    }

    private static async IAsyncEnumerable<T> ReadAsync<T>(
        NpgsqlDataSource db, string[] tables, IReadOnlyCollection<Guid>? ids, string idSql, string payloadSql,
        Func<SqlStatement, SqlStatement> with,
        JsonTypeInfo<T> type, Func<T, T> complete, string function, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        await WholeTables.BeginAsync(connection, tables, ct);
        foreach (var batch in (ids ?? await with(connection.Sql(idSql)).ListAsync<Guid>(ct)).Distinct().Order().Chunk(BatchSize))
        {
            var payloads = with(connection.Sql(payloadSql)).With("ids", batch).StreamAsync(row => row.Get<byte[]>("payload"), ct);
            await foreach (var payload in payloads) yield return Parse(payload, type, complete, function);
        }
    }

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
