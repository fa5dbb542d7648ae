using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TwoTower.Core;

namespace TwoTower.Postgres.Schema;

/// <summary>
/// All of <c>sql/</c> as one script, for whoever migrates with a tool of their own, such as <c>supabase db push</c>. It does what
/// <see cref="Migrator"/> does: what a database has already is left out, so a newer version's script is a migration after the older one's.
/// </summary>
internal static partial class SchemaScript
{
    /// <summary>The schema that Supabase keeps extensions in.</summary>
    public const string SupabaseVectorSchema = "extensions";

    /// <summary>Writes the script.</summary>
    /// <param name="vectorSchema">The schema that has pgvector, or will have it.</param>
    /// <exception cref="InputException">That is no plain name of a schema.</exception>
    public static string Write(string vectorSchema)
    {
        if (!PlainName().IsMatch(vectorSchema))
        {
            throw new InputException(
                $"'{vectorSchema}' is no schema that this script can name: give one of lower-case letters, digits and _, such as extensions.");
        }

        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $"""
            -- All tables and functions of TwoTower, made by 'twotower db script'. Safe to run again; a later version's goes on from here.
            -- Run it as one transaction: 'supabase db push' does, and 'psql --single-transaction --file'.

            do $two_tower$
            declare
                v_schema name := (
                    select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector');
            begin
                if v_schema <> '{vectorSchema}' or v_schema is null and to_regnamespace('{vectorSchema}') is null then
                    raise exception 'this script is for a database with pgvector in schema {vectorSchema}, and here % has it',
                        coalesce('schema ' || v_schema, 'none')
                        using hint = 'Make the script anew: twotower db script --vector-schema ' || coalesce(v_schema, 'public');
                end if;
            end
            $two_tower$;

            set check_function_bodies = off;
            select set_config('search_path', 'public, {vectorSchema}, pg_catalog', false);


            """);
        script.Append(SqlScript.Journal.Text).Append('\n');
        foreach (var migration in SqlScript.Migrations) AppendMigration(script, migration, vectorSchema);
        foreach (var function in SqlScript.Functions) AppendFunction(script, function, vectorSchema);
        script.Append("""
            do $two_tower$
            declare
                v_warning text;
            begin
                perform two_tower.follow_videos();
                for v_warning in select * from two_tower.secure_supabase() loop
                    raise warning '%', v_warning;
                end loop;
            end
            $two_tower$;

            reset search_path;
            reset check_function_bodies;

            """);
        return script.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendMigration(StringBuilder script, SqlScript migration, string vectorSchema) =>
        script.Append(CultureInfo.InvariantCulture, $"""
        do $two_tower$
        begin
            if exists (select from two_tower.migrations m where m.version = {migration.Version}) then
                return;
            end if;
            execute $two_tower_text$
        {Text(migration, vectorSchema)}
        $two_tower_text$;
            insert into two_tower.migrations (version, name, checksum) values ({migration.Version}, '{migration.Name}', '{migration.Checksum}');
        end
        $two_tower$;


        """);

    private static void AppendFunction(StringBuilder script, SqlScript function, string vectorSchema)
    {
        var theirs = function.YieldsTo is { } other
            ? $"to_regprocedure('{other}') is not null and {IsOurs(other)} is not true or "
            : "";
        script.Append(CultureInfo.InvariantCulture, $"""
            do $two_tower$
            begin
                if {theirs}to_regprocedure('{function.Signature}') is not null and {IsOurs(function.Signature)} is not true
                    or obj_description(to_regprocedure('{function.Signature}'), 'pg_proc') = '{FunctionScripts.Comment(function)}' then
                    return;
                end if;
                execute $two_tower_text$
            {Text(function, vectorSchema)}
            $two_tower_text$;
                execute 'comment on function {function.Signature} is ''{FunctionScripts.Comment(function)}''';
            end
            $two_tower$;


            """);
    }

    private static string IsOurs(string signature) =>
        $"starts_with(obj_description(to_regprocedure('{signature}'), 'pg_proc'), '{FunctionScripts.Mark}')";

    private static string Text(SqlScript script, string vectorSchema) => script.Text.Contains("$two_tower", StringComparison.Ordinal)
        ? throw new InvalidOperationException($"sql/…/{script.Name} has the quotes that the script puts around it, $two_tower…$.")
        : script.For(vectorSchema).TrimEnd();

    [GeneratedRegex(@"^[a-z_][a-z0-9_]{0,62}\z")]
    private static partial Regex PlainName();
}
