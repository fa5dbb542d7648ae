using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Serving;
using TwoTower.Cli.Stages;
using TwoTower.Cli.Telemetry;
using TwoTower.Core.Formats;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower serve</c>: the API in this process.</summary>
internal static class ServeCommand
{
    public static Command Create(CommandHost host)
    {
        var address = new Option<string>("--host") { Description = "Address to listen on; 0.0.0.0 is every one.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
        var artifacts = new Option<string?>("--artifacts") { Description = "Verify a folder of artifacts, load its vectors, activate it, and serve it.", HelpName = "DIR" };
        var command = new Verb(
            "serve", "Serve recommendations over HTTP until Ctrl-C.",
            """
            Serves the active release and follows when another one is activated. Without a release, popular videos and decisions work and
            recommendations by taste answer 503. The page /docs of the server describes the API.
            --artifacts takes a bundle that another program made (docs/artifacts.md), also one without an item tower.

            Examples:
              twotower serve
              twotower serve --port 8000 --artifacts path/to/bundle
            """)
        { ServeOptions.Port, address, artifacts, CommonOptions.Database, CommonOptions.Wait };
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var (listen, port) = (parse.GetValue(address)!, parse.GetValue(ServeOptions.Port) ?? ServeOptions.DefaultPort);
            ApiServer.RequireFree(listen, port);
            var provided = await session.ProvideMigratedAsync();
            if (parse.GetValue(artifacts) is { } folder)
            {
                session.Kept = "what is served hasn't changed; run the same command to go on";
                var loaded = await session.Terminal.StageAsync("loading the bundle", "vectors", progress => new ImportBundleJob(session.Open(provided), session.Time).RunAsync(
                    folder, new EmbedOptions { Activate = true, Actor = ReleaseOptions.Actor, Gate = GateSettings.Read() },
                    new Relay<EmbedProgress>(progress, EmbeddingStage.Stage), session.Stop));
                session.Terminal.Say($"{loaded.ModelVersion} is active: {Amounts.Count(loaded.Videos)} videos have a vector"
                    + (loaded.Skipped > 0 ? $", {Amounts.Count(loaded.Skipped)} vectors of unknown videos were left out" : ""));
            }

            await using var server =
                await ApiServer.StartAsync(
                    provided.ConnectionString, listen, port, parse.GetValue(CommonOptions.Verbose), OtlpOption.Endpoint(parse),
                    session.Stop);
            session.Terminal.Say($"API {server.Address} (documentation: {server.Documentation}); Ctrl-C stops it");
            session.Kept = "nothing is lost; 'twotower serve' starts it again";
            await server.ServeAsync(session.Stop);
            session.Stop.ThrowIfCancellationRequested();
        });
        return command;
    }
}
