using System.CommandLine;

namespace TwoTower.Cli.Telemetry;

/// <summary><c>--otlp [URL]</c>: where traces, metrics and logs go.</summary>
internal static class OtlpOption
{
    private const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Default = "http://127.0.0.1:4317";

    public static readonly Option<string?> Otlp = Create();

    /// <summary>The receiver of this run: --otlp, else the standard variable, else none.</summary>
    public static string? Endpoint(ParseResult parse) =>
        parse.GetResult(Otlp) is { Implicit: false }
            ? parse.GetValue(Otlp) ?? Environment.GetEnvironmentVariable(Variable) ?? Default
            : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable : null;

    /// <summary>The settings of a host that sends there under a name.</summary>
    public static string[] Settings(string endpoint, string part) => [$"--{Variable}={endpoint}", $"--OTEL_SERVICE_NAME={part}"];

    private static Option<string?> Create()
    {
        var option = new Option<string?>("--otlp")
        {
            Description = $"Send traces, metrics and logs of all parts to this OTLP receiver (docs/telemetry.md). [default: {Default}]",
            HelpName = "URL",
            Arity = ArgumentArity.ZeroOrOne,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !(Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            {
                result.AddError($"--otlp '{result.Tokens[0].Value}': give an address such as {Default}");
            }
        });
        return option;
    }
}
