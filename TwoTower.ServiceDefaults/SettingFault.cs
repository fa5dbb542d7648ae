using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace TwoTower.ServiceDefaults;

/// <summary>A setting that a process can't start with, told in one line.</summary>
internal static partial class SettingFault
{
    /// <summary>One line with the setting, its value and what was expected; null when it is no fault of a setting.</summary>
    public static string? Explain(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure switch
        {
            OptionsValidationException options => $"{Section(options)} can't be used: {string.Join(" ", options.Failures)}",
            InvalidOperationException when Unconvertible().Match(failure.Message) is { Success: true } match =>
                $"A setting can't be used: {match.Groups["key"].Value} is '{match.Groups["value"].Value}', "
                + $"which isn't {Expected(match.Groups["type"].Value)}.",
            InvalidOperationException https when https.Message.StartsWith("Unable to configure HTTPS endpoint", StringComparison.Ordinal) =>
                "There is no certificate to listen with on https: set Kestrel:Certificates:Default:Path, "
                + "or listen on http behind a gateway that has one.",
            FormatException url when url.Message.StartsWith("Invalid url", StringComparison.Ordinal) =>
                $"{url.Message.TrimEnd('.')}: write an address such as http://127.0.0.1:5080.",
            UriFormatException uri =>
                $"A setting can't be used: an address in it isn't a URI such as http://127.0.0.1:4317 ({uri.Message.TrimEnd('.')}).",
            SocketException socket =>
                $"The address to listen on can't be used ({socket.Message}): choose another one with --urls http://127.0.0.1:PORT.",
            AggregateException { InnerExceptions: [var only] } => Explain(only),
            _ => null,
        };
    }

    // Messages of attributes say the property's name alone.
    private static string Section(OptionsValidationException failure) =>
        failure.OptionsType.GetField("Section")?.GetRawConstantValue() is string section
            && !failure.Failures.Any(fault => fault.Contains(section, StringComparison.Ordinal)) ? $"A setting of {section}" : "A setting";

    // The message has no assembly's name.
    private static Type? Enumeration(string name) => AppDomain.CurrentDomain.GetAssemblies()
        .Select(assembly => assembly.GetType(name)).FirstOrDefault(type => type is { IsEnum: true });

    private static string Expected(string type) => type.Split('.', '+')[^1] switch
    {
        "Boolean" => "true or false",
        "Int32" or "Int64" or "Int16" => "a whole number in its range",
        "Double" or "Single" or "Decimal" => "a number",
        "TimeSpan" => "a time such as 00:00:05",
        "DateTimeOffset" => "a time such as 2026-01-20T18:30:00Z",
        _ when Enumeration(type) is { } names => $"one of {string.Join(", ", Enum.GetNames(names)).ToLowerInvariant()}",
        _ => "one of the values that docs/configuration.md has",
    };

    [GeneratedRegex("^Failed to convert configuration value '(?<value>.*)' at '(?<key>[^']+)' to type '(?<type>[^']+)'",
        RegexOptions.Singleline)]
    private static partial Regex Unconvertible();
}
