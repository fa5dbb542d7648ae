using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Schema;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower db script</c>: all of <c>sql/</c> as one migration of another tool.</summary>
internal static class DbScriptCommand
{
    public static Verb Create(CommandHost host)
    {
        var vectorSchema = new Option<string>("--vector-schema")
        {
            Description = "The schema that has pgvector, or will have it.",
            HelpName = "SCHEMA",
            DefaultValueFactory = _ => SchemaScript.SupabaseVectorSchema,
        };
        var command = new Verb(
            "script", "Print all tables and functions as one SQL script, which 'supabase db push' takes as a migration.",
            """
            Does what 'twotower db migrate' does, and 'twotower db status' then says up to date. Needs no database. What a database has
            already is left out: after an update of TwoTower, print it again as the next migration.

            Example:
              twotower db script > supabase/migrations/20261201000000_two_tower.sql
            """)
        { vectorSchema };
        host.Handle(command, session =>
        {
            var script = SchemaScript.Write(session.Parse.GetValue(vectorSchema)!);
            session.Terminal.Result(new { script }, () => session.Terminal.Write(script));
            return Task.CompletedTask;
        });
        return command;
    }
}
