using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// Writes rows of <c>user_video_decisions</c>: copied as they come, so that memory doesn't grow with them, then sorted, then written slice
/// by slice in the order of the key; the indexes of a table that was empty are made after them. A table of theirs may keep less than the
/// rows say, such as one decision a user and video: then the later one stays, and it is told how many that leaves out.
/// </summary>
internal sealed class DecisionWriter(NpgsqlConnection connection, IProgress<WriteProgress>? progress, ICollection<string> notes)
{
    private const string Target = "user_video_decisions";

    // Pages of a slice: a report every few tens of thousands of rows.
    private const int SlicePages = 400;

    // From here on it pays to make the indexes of an empty table after its rows.
    private const int ManyRows = 50_000;

    private static readonly string[] Columns = ["user_id", "video_id", "decision_type", "created_at"];
    private Staging? _staging;
    private long _distinct;
    private bool _areTimesRounded;

    /// <summary>Rows that were given.</summary>
    public long Given { get; private set; }

    /// <summary>Likes among them.</summary>
    public long Likes { get; private set; }

    /// <summary>Copies rows into a temporary table, sorts them and leaves out repeated ones. Nothing of the table itself is
    /// touched.</summary>
    /// <param name="rows">The rows, read one by one.</param>
    /// <param name="total">Tells how many they will be, as far as it is known.</param>
    /// <exception cref="InputException">The table's types don't hold the rows.</exception>
    public async Task StageAsync(IEnumerable<DecisionEntry> rows, Func<long, long> total, CancellationToken ct)
    {
        await Staging.ExecuteAsync(
            connection,
            "create temp table given_decisions (user_id uuid, video_id uuid, is_like bool, created_at timestamptz, exact text) on commit drop", ct);
        await using (var importer = await connection.BeginBinaryImportAsync("copy pg_temp.given_decisions from stdin (format binary)", ct))
        {
            var writer = new StagingRowWriter(importer);
            foreach (var row in rows)
            {
                if (Given % Staging.ReportEvery == 0)
                {
                    ct.ThrowIfCancellationRequested();
                    progress?.Report(new(Target, Given, total(Given), "step 1 of 3: reading"));
                }

                importer.StartRow();
                writer.Write(row.UserId);
                writer.Write(row.VideoId);
                writer.Write((bool?)(row.Type == DecisionType.Like));
                writer.Write(row.Exact is null ? row.CreatedAt : (DateTimeOffset?)null);
                writer.Write(row.Exact);
                Given++;
                if (row.Type == DecisionType.Like) Likes++;
            }

            await importer.CompleteAsync(ct);
        }

        if (Given == 0) return;

        // In the order of the key: an index that is filled in its order is filled several times as fast.
        await Staging.ExecuteAsync(
            connection,
            "select set_config('work_mem', '128MB', true) where pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('128MB')", ct);
        await using (var sorting = Heartbeat.Start(progress, new(Target, Given, 0, "step 2 of 3: sorting")))
        {
            _staging = await Staging.CreateAsync(
                connection,
                Target,
                [new("user_id", "uuid"), new("video_id", "uuid"), new("decision_type", "text"), new("created_at", "timestamptz")],
                """
                select g.user_id, g.video_id, case when g.is_like then 'like' else 'nope' end as decision_type, g.created_at
                from (
                  select distinct on (user_id, video_id, is_like, coalesce(created_at, exact::timestamptz))
                    user_id, video_id, is_like, coalesce(created_at, exact::timestamptz) as created_at
                  from pg_temp.given_decisions
                ) g
                """, ct);
            _distinct = await ScalarAsync($"select count(*) from {_staging.Table}", ct);
            await Staging.ExecuteAsync(connection, "drop table pg_temp.given_decisions", ct);
            _areTimesRounded = (await _staging.CheckFitAsync(notes, ct)).Count > 0;
        }
    }

    /// <summary>Writes what was staged.</summary>
    /// <returns>How many rows the table took.</returns>
    /// <exception cref="InputException">The table has keys that these rows can't all have a place in.</exception>
    public async Task<long> WriteAsync(CancellationToken ct)
    {
        if (_staging is null) return 0;
        if (_distinct < Given) notes.Add($"{Amounts.Count(Given - _distinct)} of {Amounts.Count(Given)} decisions repeat another one and are left out");
        var keys = await KeysAsync(connection, ct);
        var narrow = keys.Where(key => key.Length < Columns.Length).ToList();
        if (narrow.Count > 1)
        {
            throw new InputException(
                $"The table public.user_video_decisions has more than one key that keeps less than the decisions say: {string.Join(" and ", narrow.Select(Show))}. "
                + "Nothing was written. Leave one of them.");
        }

        var taken = 0L;
        if (narrow.Count == 1)
        {
            await using var writing = Heartbeat.Start(progress, new(Target, 0, 0, "step 3 of 3: writing"));
            taken = await UpsertAsync(connection, _staging, narrow[0], _distinct, notes, ct);
        }
        else
        {
            if (_areTimesRounded) await TellFallenTogetherAsync(_staging, ct);
            taken = await InsertAsync(_staging, ct);
        }

        progress?.Report(new(Target, Given, Given, "step 3 of 3: writing"));
        return taken;
    }

    // Theirs may have no key on these columns, or one with others in it: what is there already is left out by looking.
    private async Task<long> InsertAsync(Staging staging, CancellationToken ct)
    {
        var isPlain = await IsPlainAsync(ct);
        var indexes = isPlain && _distinct >= ManyRows ? await IndexesSetAside.TakeAsync(connection, "public." + Target, ct) : null;
        var insert = $"insert into public.user_video_decisions ({string.Join(", ", Columns)})";
        var slice = $"from {staging.Table} s where s.ctid >= @first::tid and s.ctid < @end::tid";
        // An empty table that is locked has no row to conflict with, and the rows are distinct unless the table makes their times the same.
        var conflict = indexes is null || _areTimesRounded ? " on conflict do nothing" : "";
        var sql = isPlain
            ? $"{insert} select {staging.Select} {slice}{conflict}"
            : $"""
               with fresh (user_id, video_id, decision_type, created_at) as materialized (
                 select {staging.Select} {slice}
                 and not exists (
                   select from public.user_video_decisions d
                   where d.user_id = s.user_id and d.video_id = s.video_id and d.created_at = {staging.Cast("created_at")}
                     and d.decision_type::text = s.decision_type)
               ),
               once as materialized (select distinct user_id, video_id, decision_type, created_at from fresh),
               taken as (
                 {insert} select user_id, video_id, decision_type, created_at from once
                 on conflict do nothing
                 returning 1
               )
               select (select count(*) from once) as offered, (select count(*) from taken) as taken
               """;
        var (offered, taken) = (0L, 0L);
        var pages = await ScalarAsync($"select pg_relation_size('{staging.Table}'::regclass) / current_setting('block_size')::bigint", ct);
        for (var page = 0L; page < pages; page += SlicePages)
        {
            ct.ThrowIfCancellationRequested();
            progress?.Report(new(Target, _distinct * page / pages, _distinct, "step 3 of 3: writing"));
            var statement = connection.Sql(sql).With("first", $"({page},0)").With("end", $"({Math.Min(page + SlicePages, pages)},0)");
            if (isPlain)
            {
                taken += await statement.ExecuteAsync(ct);
                continue;
            }

            var slices = await statement.SingleAsync(row => (Offered: row.Get<long>("offered"), Taken: row.Get<long>("taken")), ct);
            (offered, taken) = (offered + slices.Offered, taken + slices.Taken);
        }

        if (indexes is not null)
        {
            await using var indexing = Heartbeat.Start(progress, new(Target, _distinct, 0, "step 3 of 3: indexing"));
            await indexes.RestoreAsync(ct);
        }

        return isPlain || offered == taken
            ? taken
            : throw new InputException(
                $"The table public.user_video_decisions took {Amounts.Count(taken)} of {Amounts.Count(offered)} new decisions: one of its unique indexes, "
                + "or a trigger, leaves out the others. Nothing was written. Change the index, or use another table.");
    }

    // Times that differ in a part of a second may be one in a coarser column.
    private async Task TellFallenTogetherAsync(Staging staging, CancellationToken ct)
    {
        var kept = await ScalarAsync($"select count(*) from (select distinct {staging.Select} from {staging.Table} s) c", ct);
        if (kept == _distinct) return;
        notes.Add($"{Amounts.Count(_distinct - kept)} of {Amounts.Count(_distinct)} decisions are the same as another one in the times that are kept, and are left out");
    }

    // Our own shape: its one key is all four columns, so that only what is there already is left out.
    private async Task<bool> IsPlainAsync(CancellationToken ct)
    {
        return await connection.Sql(
            """
            select count(*) = 1 and bool_and(k.names = @columns and i.indisvalid and i.indpred is null and i.indexprs is null)
              and not exists (select from pg_trigger t where t.tgrelid = 'public.user_video_decisions'::regclass and not t.tgisinternal)
            from pg_index i
            cross join lateral (
              select array_agg(a.attname::text order by a.attname::text collate "C") as names
              from unnest(i.indkey::int2[]) with ordinality as c (attnum, position)
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = c.attnum
              where c.position <= i.indnkeyatts
            ) k
            where i.indrelid = 'public.user_video_decisions'::regclass and (i.indisunique or i.indisexclusion)
            """)
            .With<string[]>("columns", [.. Columns.Order(StringComparer.Ordinal)]).ScalarAsync<bool?>(ct) == true;
    }

    private Task<long> ScalarAsync(string sql, CancellationToken ct) => connection.Sql(sql).ScalarAsync<long>(ct);

    private static async Task<long> UpsertAsync(
        NpgsqlConnection connection, Staging staging, string[] key, long total, ICollection<string> notes, CancellationToken ct)
    {
        var rest = Columns.Except(key).ToArray();
        var columns = string.Join(", ", Columns);
        var latest = string.Join(", ", key.Concat(rest.Order(StringComparer.Ordinal).Select(name => name + " desc")));
        var (kept, taken) = await connection.Sql(
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
            select (select count(*) from latest) as kept, (select count(*) from taken) as taken
            """)
            .SingleAsync(row => (row.Get<long>("kept"), row.Get<long>("taken")), ct);
        if (kept < total)
        {
            notes.Add(
                $"{Amounts.Count(total - kept)} of {Amounts.Count(total)} decisions are earlier ones of the same {Show(key)}: "
                + "the key of public.user_video_decisions keeps the latest only");
        }

        return taken;
    }

    // Keys of these columns only; others are filled by the table's defaults.
    private static Task<List<string[]>> KeysAsync(NpgsqlConnection connection, CancellationToken ct) => connection.Sql(
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
          and k.names <@ @columns
        """)
        .With("columns", Columns).ListAsync<string[]>(ct);

    private static string Show(string[] key) => $"({string.Join(", ", key)})";
}
