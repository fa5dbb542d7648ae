using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// Writes rows of <c>user_video_decisions</c>. A table of theirs may keep less than the rows say, such as one decision a user and video:
/// then the later one stays, and it is told how many that leaves out.
/// </summary>
internal static class DecisionWriter
{
    private static readonly string[] Columns = ["user_id", "video_id", "decision_type", "created_at"];

    /// <summary>Writes the decisions of the set.</summary>
    /// <returns>How many rows the table took.</returns>
    /// <exception cref="InputException">The table has keys that these rows can't all have a place in.</exception>
    public static async Task<long> WriteAsync(
        NpgsqlConnection connection, TableSet tables, IProgress<WriteProgress>? progress, ICollection<string> notes, CancellationToken ct)
    {
        var total = tables.Decisions.Count + tables.ExactDecisions.Count;
        if (total == 0) return 0;
        var staging = await CopyAsync(connection, tables, total, progress, ct);
        await staging.CheckFitAsync(notes, ct);
        var keys = await KeysAsync(connection, ct);
        var narrow = keys.Where(key => key.Length < Columns.Length).ToList();
        if (narrow.Count > 1)
        {
            throw new InputException(
                $"The table public.user_video_decisions has more than one key that keeps less than the decisions say: {string.Join(" and ", narrow.Select(Show))}. "
                + "Nothing was written. Leave one of them.");
        }

        return narrow.Count == 1
            ? await UpsertAsync(connection, staging, narrow[0], total, notes, ct)
            : await InsertAsync(connection, staging, ct);
    }

    private static async Task<Staging> CopyAsync(
        NpgsqlConnection connection, TableSet tables, int total, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        var isTimeText = tables.ExactDecisions.Count > 0;
        var staging = await Staging.CreateAsync(
            connection,
            "user_video_decisions",
            [new("user_id", "uuid"), new("video_id", "uuid"), new("decision_type", "text"), new("created_at", "timestamptz", isTimeText)], ct);
        if (!isTimeText)
        {
            await staging.CopyAsync(tables.Decisions, static (writer, row) =>
            {
                WriteKey(writer, row.UserId, row.VideoId, row.Type);
                writer.Write((DateTimeOffset?)row.CreatedAt);
            }, progress, ct);
            return staging;
        }

        var rows = tables.Decisions.Select(row => new ExactDecision(row.UserId, row.VideoId, row.Type, Instant.Format(row.CreatedAt))).Concat(tables.ExactDecisions);
        await staging.CopyAsync(rows, total, static (writer, row) =>
        {
            WriteKey(writer, row.UserId, row.VideoId, row.Type);
            writer.Write(row.CreatedAt);
        }, progress, ct);
        return staging;
    }

    private static void WriteKey(StagingRowWriter writer, Guid user, Guid video, DecisionType type)
    {
        writer.Write(user);
        writer.Write(video);
        writer.Write(type == DecisionType.Like ? "like" : "nope");
    }

    // Theirs may have no key on these columns, or one with others in it: what is there already is left out by looking.
    private static async Task<long> InsertAsync(NpgsqlConnection connection, Staging staging, CancellationToken ct)
    {
        var fresh =
            $"""
            select distinct {staging.Select}
            from {staging.Table} s
            where not exists (
              select from public.user_video_decisions d
              where d.user_id = s.user_id and d.video_id = s.video_id and d.created_at = {staging.Cast("created_at")}
                and d.decision_type::text = s.decision_type)
            """;
        await using var command = new NpgsqlCommand(
            $"""
            with fresh (user_id, video_id, decision_type, created_at) as materialized ({fresh}),
            taken as (
              insert into public.user_video_decisions (user_id, video_id, decision_type, created_at)
              select user_id, video_id, decision_type, created_at from fresh
              on conflict do nothing
              returning 1
            )
            select (select count(*) from fresh), (select count(*) from taken)
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var (offered, taken) = (reader.GetInt64(0), reader.GetInt64(1));
        return offered == taken
            ? taken
            : throw new InputException(
                $"The table public.user_video_decisions took {Amounts.Count(taken)} of {Amounts.Count(offered)} new decisions: one of its unique indexes, "
                + "or a trigger, leaves out the others. Nothing was written. Change the index, or use another table.");
    }

    private static async Task<long> UpsertAsync(
        NpgsqlConnection connection, Staging staging, string[] key, int total, ICollection<string> notes, CancellationToken ct)
    {
        var rest = Columns.Except(key).ToArray();
        var columns = string.Join(", ", Columns);
        var latest = string.Join(", ", key.Concat(rest.Order(StringComparer.Ordinal).Select(name => name + " desc")));
        await using var command = new NpgsqlCommand(
            $"""
            with latest as materialized (
              select distinct on ({string.Join(", ", key)}) {columns}
              from (select {string.Join(", ", Columns.Select(name => $"{staging.Cast(name)} as {name}"))} from {staging.Table} s) c
              order by {latest}
            ),
            taken as (
              insert into public.user_video_decisions as d ({columns})
              select {columns} from latest
              on conflict ({string.Join(", ", key)}) do update set {string.Join(", ", rest.Select(name => $"{name} = excluded.{name}"))}
              where excluded.created_at >= d.created_at
                and ({string.Join(", ", rest.Select(name => $"d.{name}"))}) is distinct from ({string.Join(", ", rest.Select(name => $"excluded.{name}"))})
              returning 1
            )
            select (select count(*) from latest), (select count(*) from taken)
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var (kept, taken) = (reader.GetInt64(0), reader.GetInt64(1));
        if (kept < total)
        {
            notes.Add(
                $"{Amounts.Count(total - kept)} of {Amounts.Count(total)} decisions are earlier ones of the same {Show(key)}: "
                + "the key of public.user_video_decisions keeps the latest only");
        }

        return taken;
    }

    // Keys of these columns only; others are filled by the table's defaults.
    private static async Task<List<string[]>> KeysAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            select distinct k.names
            from pg_index i
            cross join lateral (
              select array_agg(a.attname::text order by c.position) as names
              from unnest(i.indkey::int2[]) with ordinality as c (attnum, position)
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = c.attnum
              where c.position <= i.indnkeyatts
            ) k
            where i.indrelid = 'public.user_video_decisions'::regclass and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
              and k.names <@ $1
            """, connection)
        { Parameters = { new() { Value = Columns } } };
        var keys = new List<string[]>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) keys.Add(reader.GetFieldValue<string[]>(0));
        return keys;
    }

    private static string Show(string[] key) => $"({string.Join(", ", key)})";
}
