using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// The tags or the performers of videos, flat (<c>video_tags.tag_name</c>) or normalised (<c>tags.name</c> through
/// <c>video_tags.tag_id</c>). Writing makes a video's names exactly those of the source.
/// </summary>
/// <param name="Table">Table of pairs.</param>
/// <param name="NameColumn">Column of names where the table is flat.</param>
/// <param name="IdColumn">Column of ids where it is normalised.</param>
/// <param name="NamesTable">Table of names where it is normalised.</param>
/// <param name="VideoColumn">What a source calls it in <see cref="TableSet.VideoColumns"/>.</param>
/// <param name="Names">Reads them from a video.</param>
internal sealed record NameTable(
    string Table, string NameColumn, string IdColumn, string NamesTable, string VideoColumn, Func<VideoRow, IReadOnlyList<string>> Names)
{
    public static readonly NameTable Tags =
        new("video_tags", "tag_name", "tag_id", "tags", VideoColumns.Tags, static video => video.Tags);

    public static readonly NameTable Performers =
        new("video_performers", "performer_name", "performer_id", "performers", VideoColumns.Performers, static video => video.Performers);

    /// <summary>Writes the names of videos.</summary>
    /// <exception cref="InputException">A column would change a name, or an index or a trigger would leave some out.</exception>
    public async Task WriteAsync(
        NpgsqlConnection connection, IReadOnlyList<VideoRow> videos, IProgress<WriteProgress>? progress, ICollection<string> notes,
        CancellationToken ct)
    {
        if (videos.Count == 0) return;
        var rows = new List<(Guid Video, string Name)>();
        foreach (var video in videos)
        {
            foreach (var name in Names(video)) rows.Add((video.Id, name));
        }

        var staging = await Staging.CreateAsync(connection, Table, [new("video_id", "uuid"), new(NameColumn, "text")], ct);
        await staging.CopyAsync(rows, static (writer, row) =>
        {
            writer.Write(row.Video);
            writer.Write(row.Name);
        }, progress, ct);

        var isFlat = await HasColumnAsync(connection, NameColumn, ct);
        if (isFlat)
        {
            await staging.CheckFitAsync(notes, ct);
        }
        else
        {
            await staging.CheckFitsElsewhereAsync(NameColumn, NamesTable, "name", ct);
            await AddNamesAsync(connection, staging, ct);
        }

        var column = isFlat ? NameColumn : IdColumn;
        var wanted = isFlat
            ? $"(select video_id, {NameColumn}, {NameColumn} as name from {staging.Table})"
            : $"(select s.video_id, n.id as {IdColumn}, s.{NameColumn} as name from {staging.Table} s join public.{NamesTable} n on n.name = s.{NameColumn})";
        var isNew = $"not exists (select from public.{Table} t where t.video_id = w.video_id and t.{column} = w.{column})";
        await Staging.ExecuteAsync(
            connection,
            $"""
            delete from public.{Table} t
            using pg_temp.staged_videos v
            where t.video_id = v.id
              and not exists (select from {wanted} w where w.video_id = t.video_id and w.{column} = t.{column});

            insert into public.{Table} (video_id, {column})
            select distinct w.video_id, w.{column} from {wanted} w where {isNew}
            on conflict do nothing
            """, ct);
        await RequireAllAsync(connection, Table, $"select w.name, w.video_id from {wanted} w where {isNew}", ct);
    }

    // Theirs may have an index or a trigger that takes only some.
    private static async Task RequireAllAsync(NpgsqlConnection connection, string table, string left, CancellationToken ct)
    {
        var lost = await connection.Sql(
            $"""
            select left(l.name, 60) as name, l.video_id, count(*) over () as names from ({left}) l order by l.video_id, l.name collate "C" limit 1
            """)
            .FirstOrNullAsync(
                row => new { Name = row.Get<string>("name"), Video = row.Get<Guid>("video_id"), Count = row.Get<long>("names") }, ct);
        if (lost is null) return;
        throw new InputException(
            $"The table public.{table} doesn't take {Amounts.Count(lost.Count)} names as they are, such as '{lost.Name}' of video {lost.Video}: one of its "
            + "unique indexes, or a trigger, leaves them out or changes them. Nothing was written. Change the index or the trigger, or use another database.");
    }

    /// <summary>What to say where an index of theirs has no room for a name.</summary>
    public string TooLong(IReadOnlyList<VideoRow> videos, string reason)
    {
        var (name, video) = videos.SelectMany(video => Names(video).Select(name => (Name: name, video.Id))).MaxBy(pair => pair.Name.Length);
        return $"An index of public.{Table} or public.{NamesTable} doesn't take the names: {reason}. The longest has {name.Length:N0} letters, "
            + $"of video {video}: '{name[..Math.Min(name.Length, 60)]}…'. Nothing was written. Shorten it.";
    }

    // A name that is new gets an id: the table's own default, or a fresh uuid where there is none.
    private async Task AddNamesAsync(NpgsqlConnection connection, Staging staging, CancellationToken ct)
    {
        var id = await connection.Sql(
            """
            select format_type(atttypid, atttypmod) as type, atthasdef or attidentity <> '' as has_default
            from pg_attribute where attrelid = to_regclass(@table) and attname = 'id'
            """)
            .With("table", "public." + NamesTable)
            .FirstOrNullAsync(row => new { Type = row.Get<string>("type"), HasDefault = row.Get<bool>("has_default") }, ct);
        var hasDefault = id?.HasDefault == true;
        if (!hasDefault && id?.Type != "uuid")
        {
            throw new InputException(
                $"New names can't be added to public.{NamesTable}: its id is {id?.Type ?? "missing"} without a default. "
                + "Give it one, or use another database.");
        }

        var (columns, values) = hasDefault ? ("name", "f.name") : ("id, name", "gen_random_uuid(), f.name");
        var isNew = $"not exists (select from public.{NamesTable} n where n.name = s.{NameColumn})";
        await Staging.ExecuteAsync(
            connection,
            $"""
            insert into public.{NamesTable} ({columns})
            select {values}
            from (select distinct s.{NameColumn} as name from {staging.Table} s where {isNew}) f
            """, ct);
        await RequireAllAsync(connection, NamesTable, $"select s.{NameColumn} as name, s.video_id from {staging.Table} s where {isNew}", ct);
    }

    private Task<bool> HasColumnAsync(NpgsqlConnection connection, string column, CancellationToken ct) =>
        connection.Sql(
            "select exists (select from pg_attribute where attrelid = to_regclass(@table) and attname = @column and not attisdropped)")
            .With("table", "public." + Table).With("column", column).ScalarAsync<bool>(ct);
}
