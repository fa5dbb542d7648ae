using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using TwoTower.Cli.Commands;
using TwoTower.Cli.Commands.Releases;
using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Connections;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli;

/// <summary>The command tree of <c>twotower</c>, and a run of it.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs; every way to end is an exit code of <see cref="ExitCodes"/>.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        using var interruption = new Interruption();
        var host = new CommandHost(interruption, Console.Out, Console.Error, TimeProvider.System);

        // '@file' has no meaning of its own here, and an argument that begins with @ is an argument.
        ParseResult parse;
        try
        {
            parse = Create(host).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        }
        catch (InvalidOperationException e)
        {
            // The library's way to say that an option which is given twice takes one value, where a validator reads it.
            await Console.Error.WriteLineAsync($"twotower: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')} (give it once)");
            return ExitCodes.BadInput;
        }

        if (parse.Action is ParseErrorAction)
        {
            var command = parse.CommandResult.Command is RootCommand ? "twotower" : PathOf(parse);

            // A connection string with spaces, given without quotes, is arguments that no verb takes.
            var message = Secrets.Mask(parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.'));
            await Console.Error.WriteLineAsync($"twotower: {message} ('{command} --help' shows what it takes)");
            return ExitCodes.BadInput;
        }

        // Signals and errors are the host's: a stage must be able to finish what it is writing.
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        return await parse.InvokeAsync(configuration, interruption.Token);
    }

    internal static RootCommand Create(CommandHost host)
    {
        var root = new RootCommand(
            """
            TwoTower recommends videos: it learns from likes and nopes in PostgreSQL and answers over HTTP.

            New here?          twotower demo
            Your own data?     twotower check DIR, then import DIR, train, embed --activate, serve
            Something amiss?   twotower doctor

            Verbs work on the database of --database, TWOTOWER_DATABASE or ConnectionStrings__twotower; without any of them
            twotower finds or sets up a PostgreSQL of its own.
            Exit codes: 0 done, 1 failed, 2 bad input (one line says which), 3 nothing to train on, 4 a training runs already,
            130 stopped by Ctrl-C.
            """)
        {
            CommonOptions.Json,
            CommonOptions.Verbose,
        };
        foreach (var command in Verbs(host))
        {
            root.Add(command);
        }

        var help = root.Options.OfType<HelpOption>().Single();
        var action = new VerbHelp((HelpAction)help.Action!);
        help.Action = action;
        ShowHelpWithoutVerb(root, action);
        return root;
    }

    private static IEnumerable<Command> Verbs(CommandHost host) =>
    [
        DemoCommand.Create(host),
        DbCommand.Create(host),
        ImportCommand.Create(host),
        CheckCommand.Create(host),
        GenerateCommand.Create(host),
        TrainCommand.Create(host),
        EvaluateCommand.Create(host),
        TuneCommand.Create(host),
        EmbedTextCommand.Create(host),
        EmbedCommand.Create(host),
        ExportCommand.Create(host),
        PublishCommand.Create(host),
        UploadCommand.Create(host),
        ServeCommand.Create(host),
        RecommendCommand.Create(host),
        ReleasesCommand.Create(host),
        ExperimentsCommand.Create(host),
        FeaturesCommand.Create(host),
        ManifestCommand.Create(host),
        DoctorCommand.Create(host),
    ];

    /// <summary>A group without a verb shows what verbs there are.</summary>
    private static void ShowHelpWithoutVerb(Command command, VerbHelp help)
    {
        if (command.Subcommands.Count == 0)
        {
            return;
        }

        // A group that does something itself does it where it is told with what.
        if (command.Action is AsynchronousCommandLineAction own) command.SetAction(
            (parse, ct) => IsBare(parse) ? Task.FromResult(help.Invoke(parse)) : own.InvokeAsync(parse, ct));
        else command.SetAction(help.Invoke);
        foreach (var verb in command.Subcommands)
        {
            ShowHelpWithoutVerb(verb, help);
        }
    }

    private static bool IsBare(ParseResult parse) =>
        parse.CommandResult.Command.Arguments.All(argument => parse.GetResult(argument) is not { Tokens.Count: > 0 });

    private static string PathOf(ParseResult parse)
    {
        var names = new List<string>();
        for (var result = (System.CommandLine.Parsing.SymbolResult?)parse.CommandResult; result is not null; result = result.Parent)
        {
            if (result is System.CommandLine.Parsing.CommandResult { Command: not RootCommand } command)
            {
                names.Insert(0, command.Command.Name);
            }
        }

        return $"twotower {string.Join(' ', names)}";
    }
}
