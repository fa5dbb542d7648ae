using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace TwoTower.Cli.Hosting;

/// <summary>A command with one line for lists of commands, and more for its own help: details and examples.</summary>
internal sealed class Verb(string name, string summary, string more) : Command(name, summary)
{
    /// <summary>Shown under the options of this command's help.</summary>
    public string More => more;
}

/// <summary>The library's help, then what a <see cref="Verb"/> adds.</summary>
internal sealed class VerbHelp(HelpAction library) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var code = library.Invoke(parseResult);
        if (parseResult.CommandResult.Command is Verb { More: { Length: > 0 } more })
        {
            parseResult.InvocationConfiguration.Output.WriteLine(more.ReplaceLineEndings());
            parseResult.InvocationConfiguration.Output.WriteLine();
        }

        return code;
    }
}
