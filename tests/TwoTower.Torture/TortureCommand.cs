using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;
using TwoTower.Torture.Scenarios;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture;

/// <summary><c>./twotower torture</c>: the long proofs, on this machine, with the real programs, real HTTP and a PostgreSQL of its
/// own.</summary>
internal static class TortureCommand
{
    private static readonly string[] Scenarios = ["releases", "kills", "database", "dimensions", "strains", "edge"];

    public static async Task<int> RunAsync(string[] args)
    {
        using var interruption = new Interruption();
        var host = new CommandHost(interruption, Console.Out, Console.Error, TimeProvider.System);
        var parse = Create(host).Parse(args);
        if (parse.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync($"twotower torture: {parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.')} ('./twotower torture --help' shows what it takes)");
            return ExitCodes.BadInput;
        }

        return await parse.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token);
    }

    internal static RootCommand Create(CommandHost host)
    {
        var defaults = new TortureOptions();
        var requests = NumberOption.Create("--requests", "Requests while releases change.", 10, 10_000_000, defaults.Requests);
        var clients = NumberOption.Create("--clients", "Clients at once.", 1, 1_000, defaults.Clients);
        var replicas = NumberOption.Create("--replicas", "Processes of the API.", 2, 32, defaults.Replicas);
        var changes = NumberOption.Create("--changes", "Activations and rollbacks.", 1, 10_000, defaults.Changes);
        var restarts = NumberOption.Create("--restarts", "Replicas replaced under way.", 0, 1_000, defaults.Restarts);
        var kills = NumberOption.Create("--kills", "Processes killed: trainers, embedders, replicas.", 1, 10_000, defaults.Kills);
        var databaseRestarts = NumberOption.Create("--database-restarts", "Restarts of PostgreSQL.", 1, 1_000, defaults.DatabaseRestarts);
        var strainSeconds = NumberOption.Create("--strain-seconds", "Seconds of each strain.", 1, 3_600, defaults.StrainSeconds);
        var viewers = NumberOption.Create("--viewers", "Viewers of the made-up world.", 50, 1_000_000, defaults.Viewers);
        var videos = NumberOption.Create("--videos", "Videos of the made-up world.", 100, 1_000_000, defaults.Videos);
        var seed = NumberOption.Create("--seed", "Another seed is another run.", 0, 1_000_000, defaults.Seed);
        var only = new Option<string[]>("--only") { Description = $"Only this scenario: {string.Join(", ", Scenarios)}. May be repeated.", HelpName = "SCENARIO" };
        only.AcceptOnlyFromAmong(Scenarios);
        var command = new RootCommand(
            "Tries to make TwoTower answer wrongly or lose something: releases changed under load, kill -9, PostgreSQL restarted, stopped and slow, dimensions mixed, clients that hang up, "
            + "edge functions under changing releases. "
            + "Exit code 1 if it managed to. About fifteen minutes on two cores.")
        {
            requests, clients, replicas, changes, restarts, kills, databaseRestarts, strainSeconds, viewers, videos, seed, only,
            CommonOptions.Json, CommonOptions.Verbose,
        };
        host.Handle(command, session =>
        {
            var parse = session.Parse;
            if (OperatingSystem.IsWindows()) throw new InputException("torture stops processes by signals, which Windows has not: run it on Linux, macOS or WSL");
            var options = new TortureOptions
            {
                Requests = parse.GetValue(requests) ?? defaults.Requests,
                Clients = parse.GetValue(clients) ?? defaults.Clients,
                Replicas = parse.GetValue(replicas) ?? defaults.Replicas,
                Changes = parse.GetValue(changes) ?? defaults.Changes,
                Restarts = parse.GetValue(restarts) ?? defaults.Restarts,
                Kills = parse.GetValue(kills) ?? defaults.Kills,
                DatabaseRestarts = parse.GetValue(databaseRestarts) ?? defaults.DatabaseRestarts,
                StrainSeconds = parse.GetValue(strainSeconds) ?? defaults.StrainSeconds,
                Viewers = parse.GetValue(viewers) ?? defaults.Viewers,
                Videos = parse.GetValue(videos) ?? defaults.Videos,
                Seed = parse.GetValue(seed) ?? defaults.Seed,
            };
            return RunAsync(session, options, parse.GetValue(only) is { Length: > 0 } chosen ? chosen : Scenarios);
        });
        return command;
    }

    private static async Task<int> RunAsync(Session session, TortureOptions options, IReadOnlyList<string> scenarios)
    {
        var (terminal, ct) = (session.Terminal, session.Stop);
        session.Kept = "nothing but this run's own databases was touched; run the same command to start over";
        await using var postgres = new OwnPostgres(Path.Combine(StateHome.Path, "torture"), terminal.Detail);
        var report = new TortureReport { Options = options };
        if (scenarios.Contains("releases"))
        {
            report = report with { Releases = await RunAsync("changing releases", "requests", (world, progress) => new ChangingReleases(options).RunAsync(world, progress, ct)) };
        }

        if (scenarios.Contains("dimensions"))
        {
            report = report with { Dimensions = await RunAsync("dimensions", "moves", (world, progress) => new Dimensions(options).RunAsync(world, progress, ct)) };
        }

        if (scenarios.Contains("database"))
        {
            report = report with { Database = await RunAsync("database restarts", "restarts", (world, progress) => new DatabaseRestarts(options, postgres).RunAsync(world, progress, ct)) };
        }

        if (scenarios.Contains("kills"))
        {
            using var kills = new Kills(options);
            report = report with { Kills = await RunAsync("kills", "kills", (world, progress) => kills.RunAsync(world, progress, ct)) };
        }

        if (scenarios.Contains("strains"))
        {
            report = report with { Strains = await RunAsync("strains", "strains", (world, progress) => new Strains(options).RunAsync(world, progress, ct)) };
        }

        if (scenarios.Contains("edge")) report = report with { Edge = await RunEdgeAsync(session, options) };
        terminal.Result(report, () => TortureTables.Show(terminal, report));
        return report.Wrong == 0 ? ExitCodes.Success : ExitCodes.Failure;

        async Task<T> RunAsync<T>(string title, string unit, Func<World, IProgress<StageProgress>, Task<T>> scenario)
        {
            var database = await postgres.CreateDatabaseAsync($"torture_{title.Replace(' ', '_')}", ct);
            await using var world = await World.CreateAsync(database, options.Viewers, options.Videos, options.Seed, ct);
            return await terminal.StageAsync(title, unit, progress => scenario(world, progress));
        }
    }

    // Null where the programs can't be had, which is said.
    private static async Task<EdgeChangesResult?> RunEdgeAsync(Session session, TortureOptions options)
    {
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        await using var server = new SupabaseServer();
        if (tools is not null)
        {
            await server.InitializeAsync();
            reason = server.Reason ?? "";
        }

        if (tools is null || server.Reason is not null)
        {
            session.Terminal.Warn($"the edge functions are left out: {reason}");
            return null;
        }

        await using var project = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: true));
        await using var world = await World.CreateAsync(
            project.ConnectionString, options.Viewers, options.Videos, options.Seed, session.Stop);
        return await session.Terminal.StageAsync(
            "edge functions", "requests", progress => new EdgeChanges(options, tools).RunAsync(world, project, progress, session.Stop));
    }
}
