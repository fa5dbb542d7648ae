using System.CommandLine;
using System.Text.Json;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Fuzz;

/// <summary><c>./twotower fuzz</c>: requests made from the document of a running API, until an answer isn't as it should be.</summary>
internal static class FuzzCommand
{
    /// <summary>The operators' key of an API that runs already.</summary>
    public const string KeyVariable = "TWOTOWER_FUZZ_OPERATOR_KEY";

    // Beyond this much more than after a quarter of the requests, memory isn't flat.
    private const double Growth = 1.5;

    private const int FindingsShown = 20;
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(string[] args)
    {
        using var interruption = new Interruption();
        var parse = Create().Parse(args);
        if (parse.Errors.Count > 0)
        {
            return Refuse(parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.') + " ('./twotower fuzz --help' shows what it takes)");
        }
        try
        {
            return await parse.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null
            }, interruption.Token);
        }
        catch (InputException e)
        {
            return Refuse(e.Message);
        }
        catch (HttpRequestException e)
        {
            return Refuse($"no API answers there: {e.Message}");
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return interruption.ExitCode;
        }
    }

    private static RootCommand Create()
    {
        var defaults = new FuzzOptions();
        var requests = NumberOption.Create("--requests", "Requests.", 1, 10_000_000, defaults.Requests);
        var first = NumberOption.Create("--first", "Number of the first request; with --requests 1 only that one, to see it again.", 0, 10_000_000,
            defaults.First);
        var clients = NumberOption.Create("--clients", "Clients at once.", 1, 1_000, defaults.Clients);
        var seed = NumberOption.Create("--seed", "Another seed is another run.", 0, 1_000_000, defaults.Seed);
        var url = new Option<Uri?>("--url")
        {
            Description = $"An API that runs already, over a database that may be spoiled; {KeyVariable} has its operators' key. "
                + "Left out, one is started over a database of its own.",
            HelpName = "ADDRESS",

            // The library knows no addresses.
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var given) && given.Scheme is ("http" or "https")) return given;
                result.AddError($"--url '{result.Tokens[0].Value}' isn't an address such as http://127.0.0.1:5080");
                return null;
            },
        };
        var json = new Option<bool>("--json") { Description = "The report as JSON." };
        var command = new RootCommand(
            "Asks the API what fits its OpenAPI document, what nearly does and what doesn't. Exit code 1: an answer isn't as it should be.")
        {
            requests, first, clients, seed, url, json,
        };
        command.SetAction((parse, ct) => RunAsync(
            parse.GetValue(url),
            new()
            {
                Requests = parse.GetValue(requests) ?? defaults.Requests,
                First = parse.GetValue(first) ?? defaults.First,
                Clients = parse.GetValue(clients) ?? defaults.Clients,
                Seed = parse.GetValue(seed) ?? defaults.Seed
            },
            parse.GetValue(json), ct));
        return command;
    }

    private static async Task<int> RunAsync(Uri? url, FuzzOptions options, bool json, CancellationToken ct)
    {
        await using var own = url is null ? await OwnApi.StartAsync(ct) : null;
        var memory = new List<long>();
        var quarter = Math.Max(1, options.Requests / 4);
        using var run = new FuzzRun(url ?? own!.Address, own?.OperatorKey ?? Environment.GetEnvironmentVariable(KeyVariable), options)
        {
            OnAnswered = async answered =>
            {
                if (answered % quarter != 0) return;
                if (own is not null) memory.Add(own.Megabytes);
                var has = own is null ? "" : $", the API has {own.Megabytes} MB";
                await Console.Error.WriteLineAsync($"{answered} of {options.Requests} requests answered{has}");
            },
        };
        var report = await run.RunAsync(ct);
        var grew = !IsFlat(memory, options.Requests);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                options.Seed,
                report.Requests,
                report.Statuses,
                report.SlowestSeconds,
                MemoryMb = memory,
                MemoryIsFlat = !grew,
                report.Findings
            }, Indented));
        }
        else
        {
            foreach (var finding in report.Findings.Take(FindingsShown))
            {
                Console.WriteLine($"request {finding.Number}: {finding.Request}\n  {finding.Fault}");
            }
            if (report.Findings.Count > FindingsShown)
            {
                Console.WriteLine($"… and {report.Findings.Count - FindingsShown} more (--json has them all)");
            }
            if (grew) Console.WriteLine($"memory isn't flat: {string.Join(", ", memory)} MB");
            var statuses = string.Join(", ", report.Statuses.Select(status => $"{status.Value} × {status.Key}"));
            Console.WriteLine($"{report.Requests} requests of seed {options.Seed}: {statuses}; "
                + $"slowest {report.SlowestSeconds:0.00} s; {report.Findings.Count} findings");
        }

        return report.Findings.Count > 0 || grew ? ExitCodes.Failure : ExitCodes.Success;
    }

    /// <summary>Whether memory stayed what it was after a quarter of the requests.</summary>
    /// <param name="megabytes">What the process had after each quarter.</param>
    /// <param name="requests">Fewer than 10,000 say nothing: memory grows as a process warms up.</param>
    internal static bool IsFlat(IReadOnlyList<long> megabytes, int requests) =>
        megabytes.Count < 2 || requests < 10_000 || megabytes[^1] <= megabytes[0] * Growth;

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine($"twotower fuzz: {reason}");
        return ExitCodes.BadInput;
    }
}
