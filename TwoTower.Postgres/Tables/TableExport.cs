using System.Text;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// Writes the tables of a database as a folder of CSV files, as <c>twotower import</c> reads them: a COPY a table, streamed, all
/// as of one moment.
/// </summary>
internal static class TableExport
{
    private const int BufferChars = 1 << 16;

    private const string IsDecision = "decision_type::text in ('like', 'nope') and created_at is not null and user_id is not null and video_id is not null";

    // What no import takes isn't written, but told.
    private static readonly (string Table, string Sql, string? LeftOut, string Because)[] Tables =
    [
        ("profiles",
            """
            select p.user_id, p.display_name, p.created_at{0}
            from public.profiles p left join two_tower.given_user_ids g on g.user_id = p.user_id
            where p.user_id is not null order by p.user_id
            """,
            "public.profiles where user_id is null", "user_id is NULL"),
        ("videos",
            $$"""
            select {{string.Join(", ", VideoColumns.Typed.Concat(VideoColumns.Other).Select(name => "v." + name))}}{0}
            from public.videos v left join two_tower.given_video_ids g on g.video_id = v.id where v.id is not null order by v.id
            """,
            "public.videos where id is null", "id is NULL"),
        ("video_tags",
            """
            select t.video_id, t.tag_name from two_tower.video_tag_names t
            where t.tag_name is not null and exists (select from public.videos v where v.id = t.video_id)
            order by t.video_id, t.tag_name collate "C"
            """,
            "two_tower.video_tag_names t where t.tag_name is null or not exists (select from public.videos v where v.id = t.video_id)",
            "the name is NULL, or the video isn't there"),
        ("video_performers",
            """
            select p.video_id, p.performer_name from two_tower.video_performer_names p
            where p.performer_name is not null and exists (select from public.videos v where v.id = p.video_id)
            order by p.video_id, p.performer_name collate "C"
            """,
            "two_tower.video_performer_names p where p.performer_name is null or not exists (select from public.videos v where v.id = p.video_id)",
            "the name is NULL, or the video isn't there"),
        ("user_video_decisions",
            $"""
            select user_id, video_id, decision_type, created_at from public.user_video_decisions
            where {IsDecision}
            order by created_at, user_id, video_id, decision_type::text
            """,
            $"public.user_video_decisions where ({IsDecision}) is not true", "decision_type is neither like nor nope, or something is NULL"),
        ("video_features", "select video_id, name, vector from two_tower.video_features order by video_id, name", null, ""),
    ];

    // Most databases have none of these rows, and a reader does without the file.
    private static readonly string[] Optional = ["video_features"];

    /// <summary>Writes the folder beside its place and then gives it its name: it is there as a whole or not at all.</summary>
    /// <param name="db">A migrated database.</param>
    /// <param name="directory">Where to; absent or empty.</param>
    /// <param name="progress">Told the bytes of the table at hand; their number isn't known before.</param>
    /// <param name="ct">Stops; nothing stays.</param>
    /// <param name="say">Told how many rows aren't written, and why.</param>
    /// <returns>The files' names and sizes in bytes.</returns>
    /// <exception cref="InputException">The folder holds something or can't be written, or the database can't be read.</exception>
    public static async Task<IReadOnlyList<(string File, long Bytes)>> WriteAsync(
        NpgsqlDataSource db, string directory, IProgress<WriteProgress>? progress, CancellationToken ct, Action<string>? say = null)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new InputException($"{target} is a file or isn't empty: name a folder that isn't there yet.");
        }

        var temporary = $"{target}.{Path.GetRandomFileName()}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            var files = await WriteFilesAsync(db, temporary, progress, say, ct);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
            return files;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{target} could not be written: {e.Message}. Free some space or choose another folder.", e);
        }
        catch (Exception e) when (DatabaseErrors.Explain(e, db) is { } explained)
        {
            throw explained;
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    private static async Task<List<(string File, long Bytes)>> WriteFilesAsync(
        NpgsqlDataSource db, string folder, IProgress<WriteProgress>? progress, Action<string>? say, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        await WholeTables.BeginAsync(connection, ct);
        var files = new List<(string, long)>();
        foreach (var (table, text, leftOut, because) in Tables)
        {
            // Most databases have none of these ids.
            var given = table switch
            {
                "profiles" => "two_tower.given_user_ids",
                "videos" => "two_tower.given_video_ids",
                _ => null,
            };
            var hasGiven = given is not null && await HasRowsAsync(connection, $"select from {given}", ct);
            var sql = given is null ? text : text.Replace("{0}", hasGiven ? ", g.given_id" : "", StringComparison.Ordinal);
            if (Optional.Contains(table) && !await HasRowsAsync(connection, sql, ct)) continue;
            var file = new FileInfo(Path.Combine(folder, table + ".csv"));
            await CopyAsync(connection, sql, file, bytes => progress?.Report(new(table, bytes, 0)), ct);
            file.Refresh();
            files.Add((file.Name, file.Length));
            if (say is null || leftOut is null || await connection.Sql($"select count(*) from {leftOut}").ScalarAsync<long>(ct) is not (> 0 and var rows)) continue;
            say($"public.{table}: {Amounts.Count(rows)} {(rows == 1 ? "row isn't" : "rows aren't")} exported, because {because}");
        }

        return files;
    }

    private static Task<bool> HasRowsAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        connection.Sql($"select exists ({sql})").ScalarAsync<bool>(ct);

    /// <summary>Writes what a query gives as a CSV file with a header.</summary>
    internal static async Task CopyAsync(NpgsqlConnection connection, string sql, FileInfo file, Action<long> written, CancellationToken ct)
    {
        await using var writer = new StreamWriter(file.FullName, false, new UTF8Encoding(false), BufferChars);
        using var reader = await connection.BeginTextExportAsync($"copy ({sql}) to stdout (format csv, header)", ct);
        var buffer = new char[BufferChars];
        int read;
        while ((read = await reader.ReadAsync(buffer, ct)) > 0)
        {
            await writer.WriteAsync(buffer.AsMemory(0, read), ct);
            written(writer.BaseStream.Length);
        }
    }
}
