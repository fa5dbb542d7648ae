using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>Whether tables that were there before can be used: found by migrating, not by the first training.</summary>
internal static class ExistingTables
{
    private const string Texts = "text, varchar, bpchar, citext, name";
    private const string Times = "timestamptz";

    // Column, whether it must be there, and the types that every reader of ours takes.
    private static readonly (string Table, string Column, bool IsRequired, string Types)[] Columns =
    [
        ("profiles", "user_id", true, "uuid"),
        ("profiles", "display_name", false, Texts),
        ("profiles", "created_at", false, Times),
        ("videos", "id", true, "uuid"),
        ("videos", "external_id", false, Texts),
        ("videos", "title", false, Texts),
        ("videos", "description", false, Texts),
        ("videos", "duration_seconds", false, "int2, int4, int8, numeric"),
        ("videos", "maker", false, Texts),
        ("videos", "director", false, Texts),
        ("videos", "series", false, Texts),
        ("videos", "label", false, Texts),
        ("videos", "source", false, Texts),
        ("videos", "price", false, "numeric, int2, int4, int8, float4, float8"),
        ("videos", "distribution_started_at", false, Times),
        ("videos", "product_released_at", false, Times),
        ("videos", "published_at", false, Times),
        ("videos", "created_at", false, Times),
        ("videos", "safety_level", false, "int2, int4, int8"),
        ("videos", "region_codes", false, "_text, _varchar"),
        ("videos", "is_active", false, "bool"),
        ("video_tags", "video_id", true, "uuid"),
        ("video_tags", "tag_name", false, Texts),
        ("tags", "name", false, Texts),
        ("video_performers", "video_id", true, "uuid"),
        ("video_performers", "performer_name", false, Texts),
        ("performers", "name", false, Texts),
        ("user_video_decisions", "user_id", true, "uuid"),
        ("user_video_decisions", "video_id", true, "uuid"),
        ("user_video_decisions", "decision_type", true, "text, varchar, enum"),
        ("user_video_decisions", "created_at", true, Times),
        ("video_embeddings", "video_id", true, "uuid"),
    ];

    /// <summary>Looks at the columns of tables that are there.</summary>
    /// <exception cref="InputException">Some can't be used; all of them are named.</exception>
    public static async Task RequireAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var wrong = await FindMisfitsAsync(connection, ct);
        if (wrong.Count == 0) return;
        throw new InputException(
            $"{string.Join(' ', wrong)} Nothing was changed. Change {(wrong.Count == 1 ? "it" : "them")}, or give TwoTower a database of its own: "
            + "'twotower import postgres' loads these rows into it, with ids of any kind, as often as you like; 'twotower doctor' prints the commands and views.");
    }

    /// <summary>The columns of tables that are there and can't be used, a sentence each.</summary>
    public static async Task<IReadOnlyList<string>> FindMisfitsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var views = await connection.Sql(
            """
            select relname::text from pg_class
            where relnamespace = to_regnamespace('public') and relname = any (@tables) and relkind not in ('r', 'p') order by relname
            """)
            .With<string[]>("tables", [.. Columns.Select(column => column.Table).Distinct().Where(table => table != "profiles")]).ListAsync<string>(ct);
        var columns = await connection.Sql(
            """
            select w.table_name, w.column_name, w.types, format_type(a.atttypid, a.atttypmod) as type
            from unnest(@tables, @columns, @required, @types) with ordinality as w (table_name, column_name, is_required, types, position)
            left join pg_attribute a on a.attrelid = to_regclass('public.' || w.table_name) and a.attname = w.column_name and not a.attisdropped
            left join pg_type t on t.oid = a.atttypid
            where to_regclass('public.' || w.table_name) is not null
              and case
                when a.attname is null then w.is_required
                else not (t.typname = any (string_to_array(w.types, ', ')) or (t.typtype = 'e' and w.types like '%enum%'))
              end
            order by w.position
            """)
            .With<string[]>("tables", [.. Columns.Select(column => column.Table)])
            .With<string[]>("columns", [.. Columns.Select(column => column.Column)])
            .With<bool[]>("required", [.. Columns.Select(column => column.IsRequired)])
            .With<string[]>("types", [.. Columns.Select(column => column.Types)])
            .ListAsync(Misfit, ct);
        return
        [
            .. columns,
            .. views.Select(view => $"public.{view}, which was there before, is no table: TwoTower needs one there, for its keys, indexes and triggers."),
        ];
    }

    private static string Misfit(SqlRow row)
    {
        var column = row.Get<string>("column_name");
        var has = row.GetOrNull<string>("type") is { } type ? $"a column {column} of type {type}" : $"no column {column}";
        return $"The table public.{row.Get<string>("table_name")}, which was there before, has {has}: "
            + $"TwoTower needs a column {column} of type {Words(row.Get<string>("types"))}.";
    }

    /// <summary>Has the server understand, without running it, whatever reads these tables: functions of ours in SQL, and the readers of
    /// trainings.</summary>
    /// <exception cref="PostgresException">A type or column doesn't fit.</exception>
    public static async Task RequireReadableAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await Migrator.ExecuteAsync(connection, "set local check_function_bodies = on", ct);
        await Migrator.ExecuteAsync(
            connection,
            """
            do $$
            declare
              v_function regprocedure;
            begin
              for v_function in
                select p.oid::regprocedure
                from pg_proc p join pg_language l on l.oid = p.prolang
                where l.lanname = 'sql' and obj_description(p.oid, 'pg_proc') like 'TwoTower%'
                order by 1
              loop
                perform fmgr_sql_validator(v_function);
              end loop;
            end
            $$
            """, ct);
        foreach (var query in TableQueries.All) await Migrator.ExecuteAsync(connection, "explain " + query, ct);
    }

    /// <summary>True for an error that types or columns of theirs cause.</summary>
    public static bool IsMisfit(PostgresException error) =>
        error.SqlState is PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedColumn
        or PostgresErrorCodes.DatatypeMismatch or PostgresErrorCodes.CannotCoerce or PostgresErrorCodes.InvalidFunctionDefinition
        or PostgresErrorCodes.WrongObjectType or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidColumnReference
        or PostgresErrorCodes.IndeterminateDatatype or PostgresErrorCodes.AmbiguousFunction or PostgresErrorCodes.DuplicateTable
        or PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.InvalidForeignKey
        or PostgresErrorCodes.IndeterminateCollation or PostgresErrorCodes.UndefinedObject;

    // As people write the types; Postgres' own names are in the catalogue.
    private static string Words(string types) => string.Join(" or ", types.Split(", ").Select(type => type switch
    {
        "_text" => "text[]",
        "_varchar" => "varchar[]",
        "bpchar" => "char",
        "bool" => "boolean",
        _ => type,
    }));
}
