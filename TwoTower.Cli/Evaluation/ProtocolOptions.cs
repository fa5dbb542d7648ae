using System.CommandLine;
using System.Globalization;
using TwoTower.Core;
using TwoTower.Evaluation;
using TwoTower.Evaluation.Protocols;

namespace TwoTower.Cli.Evaluation;

/// <summary>The options that say what is held out, and by which seeds models are trained.</summary>
internal static class ProtocolOptions
{
    private static readonly Option<string> Protocol = Choice(
        "--protocol", "What is held out: users, users and videos, or the future.", ProtocolChoice.HeldOutUsers,
        ProtocolChoice.HeldOutUsers, ProtocolChoice.ColdItems, ProtocolChoice.Time);

    private static readonly Option<string> ValidationSuffix = Digits("--validation-suffix", "Digits that the numbers of validation users end in.", "1");
    private static readonly Option<string> TestSuffix = Digits("--test-suffix", "Digits that the numbers of test users end in.", "0");
    private static readonly Option<string> Seeds = new("--seeds") { Description = "Seeds to train with; numbers are means over them.", HelpName = "N,N,…", DefaultValueFactory = _ => "42" };

    public static void AddTo(Command command)
    {
        foreach (var option in new Option[] { Protocol, ValidationSuffix, TestSuffix, Seeds }) command.Add(option);
    }

    public static ProtocolChoice Read(ParseResult parse, HeldOutGroup group) =>
        new(parse.GetValue(Protocol)!, new(parse.GetValue(ValidationSuffix)!, parse.GetValue(TestSuffix)!), group);

    /// <exception cref="InputException">Not a list of different whole numbers.</exception>
    public static IReadOnlyList<int> ReadSeeds(ParseResult parse)
    {
        var text = parse.GetValue(Seeds)!;
        var seeds = text.Split(',', StringSplitOptions.TrimEntries)
            .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : -1).ToList();
        return seeds.Contains(-1) || seeds.Distinct().Count() < seeds.Count
            ? throw new InputException($"--seeds {text} is not a list of different whole numbers: write it like 42,43,44")
            : seeds;
    }

    public static Option<string> Choice(string name, string description, string defaultValue, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static Option<string> Digits(string name, string description, string defaultValue) =>
        new(name) { Description = description, HelpName = "DIGITS", DefaultValueFactory = _ => defaultValue };
}
