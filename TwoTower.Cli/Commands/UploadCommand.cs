using System.CommandLine;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Releases;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Supabase.Uploads;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower upload embeddings</c>.</summary>
internal static class UploadCommand
{
    public static Command Create(CommandHost host) => new("upload", "Write results into a Supabase project.") { Embeddings(host) };

    private static Verb Embeddings(CommandHost host)
    {
        var release = EmbedCommand.Release("the active one");
        var bundle = new Option<string?>("--bundle") { Description = "Take the vectors of an exported bundle instead of the database's.", HelpName = "DIR" };
        var table = new Option<string>("--table") { Description = "The project's table.", HelpName = "NAME", DefaultValueFactory = _ => "video_embeddings" };
        var batch = NumberOption.Create("--batch", "Rows of a request.", 1, 5000, 200);
        var length = NumberOption.Create("--length", "Numbers of a vector in the project's table; without it, as a row of the table or its refusal says.", 1, 16_000);
        var prune = new Option<bool>("--prune") { Description = "Afterwards delete rows without updated_at or with an earlier one than any row written; of this model_version only, if any." };
        var dry = new Option<bool>("--dry-run") { Description = "Say what would be written, and write nothing." };
        var command = new Verb(
            "embeddings", "Write a release's vectors into a Supabase project's table over its REST interface.",
            """
            For a project whose database twotower doesn't work on; elsewhere 'twotower embed' keeps public.video_embeddings up to date. Rows are
            replaced by video_id, or whatever the table's primary key is. A column model_version, where the table has one, gets the release's. A table
            of shorter vectors gets the first numbers of a history recipe's release, made length 1. Ctrl-C and a kill keep what was
            written: the same command goes on.

            The key is read from SUPABASE_SECRET_KEY, SUPABASE_SERVICE_ROLE_KEY or --key-file, the address from SUPABASE_URL or --url.

            Examples:
              twotower upload embeddings --dry-run
              twotower upload embeddings --table video_embeddings_v3 --prune
            """)
        { release, bundle, table, batch, length, prune, dry, SupabaseOptions.Url, SupabaseOptions.KeyFile, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var (version, folder) = (session.Parse.GetValue(release), session.Parse.GetValue(bundle));
            if (version is not null && folder is not null) throw new InputException("--release and --bundle can't be together: leave one.");
            var options = new UploadOptions(
                session.Parse.GetValue(table)!, session.Parse.GetValue(batch) ?? 200, session.Parse.GetValue(length),
                    session.Parse.GetValue(prune));
            using var client = SupabaseOptions.Connect(session);
            VectorSource source = folder is not null
                ? new BundleVectorSource(await BundleReader.ReadAsync(folder, session.Stop), session.Time)
                : await ReleaseAsync(await session.OpenDatabaseAsync(), version, session.Stop);
            var upload = new VectorUpload(client, StateHome.Path, session.Time, session.Terminal.Say);
            var isDry = session.Parse.GetValue(dry);
            session.Kept = "the rows written so far stay; run the same command to go on";
            var result = isDry
                ? await upload.PlanAsync(source, options, session.Stop)
                : await session.Terminal.StageAsync("uploading", "vectors", progress =>
                    upload.RunAsync(source, options, (done, total) => progress.Report(new(done, total)), session.Stop));
            session.Terminal.Result(
                new
                {
                    project = client.Project.Name,
                    source.ModelVersion,
                    dry_run = isDry,
                    result.Vectors,
                    result.Written,
                    result.Requests,
                    result.Repeated,
                    result.Absent,
                    result.Pruned,
                    length = result.Length ?? (isDry ? null : source.Dim),
                    versioned = result.Table.HasVersion,
                    result.Resumed,
                },
                () => session.Terminal.Say(isDry ? Plan(client.Project.Name, source, options, result)
                    : Sentence(client.Project.Name, source, options, result)));
        });
        return command;
    }

    private static async Task<VectorSource> ReleaseAsync(NpgsqlDataSource db, string? version, CancellationToken ct)
    {
        var store = new ReleaseStore(db);
        var release = version is null
            ? await store.GetActiveAsync(ct) ?? throw new InputException("No release is active: name the one to upload with --release.")
            : await store.GetAsync(version, ct);
        if (ReleaseExport.Refuse(release) is { } reason) throw new InputException(reason);
        return new ReleaseVectorSource(db, await ReleaseVectors.OpenAsync(db, release, ct));
    }

    private static string Plan(string project, VectorSource source, UploadOptions options, UploadResult plan) =>
        $"would write {Amounts.Count(plan.Vectors)} vectors of {source.ModelVersion} into {options.Table} of {project}, in {Amounts.Count(plan.Requests)} requests, "
        + (plan.Length is { } length ? $"{length} numbers each{(length < source.Dim ? $", cut from {source.Dim}" : "")}" : $"{source.Dim} numbers each unless the table, which is empty, takes fewer")
        + (plan.Table.HasVersion ? ", with their model_version" : "") + "; nothing was written";

    private static string Sentence(string project, VectorSource source, UploadOptions options, UploadResult result) =>
        $"{options.Table} of {project}: {Amounts.Count(result.Written)} vectors of {source.ModelVersion} written"
        + (result.Resumed > 0 ? $", {Amounts.Count(result.Resumed)} were there from the interrupted run" : "")
        + (result.Length is { } length && length < source.Dim ? $", cut from {source.Dim} to {length} numbers" : "")
        + (result.Repeated > 0 ? $", {Amounts.Count(result.Repeated)} repeated ones left out" : "")
        + (result.Absent > 0 ? $", {Amounts.Count(result.Absent)} left out because the project doesn't have their videos" : "")
        + (result.Pruned > 0 ? $", {Amounts.Count(result.Pruned)} old rows deleted" : "");
}
