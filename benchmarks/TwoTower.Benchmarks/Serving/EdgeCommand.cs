using System.CommandLine;
using TwoTower.Testing;

namespace TwoTower.Benchmarks.Serving;

/// <summary><c>edge --requests 500</c>: what the edge functions take of a processor and of memory, in Deno over a stand-in of a Supabase
/// project.</summary>
internal static class EdgeCommand
{
    public static Command Create()
    {
        var users = new Option<int>("--users") { Description = "Users of the made-up world", DefaultValueFactory = _ => 1_000 };
        var videos = new Option<int>("--videos") { Description = "Videos of it", DefaultValueFactory = _ => 5_000 };
        var requests = new Option<int>("--requests") { Description = "Requests of a run that are counted", DefaultValueFactory = _ => 500 };
        var runs = new Option<int>("--runs") { Description = "Runs, of which the median is told", DefaultValueFactory = _ => 3 };
        var command = new Command("edge", "Edge functions: CPU to the first answer, CPU of a request, peak memory") { users, videos, requests, runs };
        command.SetAction(async (parse, ct) =>
        {
            if (!OperatingSystem.IsLinux()) return Refuse("what a process took is read from /proc, which Linux has");
            var (tools, reason) = await NpmTools.InstallAsync("supabase");
            if (tools is null) return Refuse(reason);
            await using var server = new SupabaseServer();
            await server.InitializeAsync();
            if (server.Reason is not null) return Refuse(server.Reason);
            await using var project = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: true));
            var benchmark = new EdgeBenchmark(tools, project, parse.GetValue(requests), parse.GetValue(runs));
            await benchmark.RunAsync(parse.GetValue(users), parse.GetValue(videos), ct);
            return 0;
        });
        return command;
    }

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine($"edge can't run here: {reason}");
        return 2;
    }
}
