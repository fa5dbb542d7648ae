using System.Text.Json;
using System.Text.RegularExpressions;

namespace TwoTower.Web.Problems;

/// <summary>Says which parameter of a request can't be read, its value, and what was expected.</summary>
internal static partial class BadRequest
{
    public static string Explain(BadHttpRequestException bad)
    {
        if (bad.InnerException is JsonException json)
        {
            return ExplainJson(json);
        }

        if (Unbindable().Match(bad.Message) is { Success: true } match)
        {
            var expected = match.Groups["type"].Value.Replace("Nullable<", "", StringComparison.Ordinal).TrimEnd('>') switch
            {
                "Guid" or "Guid[]" => "a UUID such as 00000000-0000-0000-0000-000000000001",
                "int" => "a whole number",
                "bool" => "true or false",
                var type => type,
            };
            return $"{JsonNamingPolicy.CamelCase.ConvertName(match.Groups["name"].Value)} '{match.Groups["value"].Value}' isn't {expected}.";
        }

        if (bad.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return $"{bad.Message} A body may have 16 KB, a bundle as much as TwoTower:Api:MaxBundleMb says.";
        }

        return bad.Message.Contains("no body was provided", StringComparison.OrdinalIgnoreCase)
            ? "The body is empty: JSON is expected."
            : bad.Message;
    }

    // In the words of the API: the names of its types are nobody's business.
    private static string ExplainJson(JsonException json)
    {
        var field = json.Path is { Length: > 2 } path ? path[2..] : "the body";
        if (Unknown().Match(json.Message) is { Success: true } unknown) return $"There is no field '{unknown.Groups["name"].Value}' here.";
        if (Missing().Match(json.Message) is { Success: true } missing) return $"The body lacks {missing.Groups["names"].Value.TrimEnd('.')}.";
        if (Unconvertible().Match(json.Message) is { Success: true } match)
        {
            return $"{field} isn't {Expected(match.Groups["type"].Value, field)}.";
        }

        var message = json.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.');
        return $"The body isn't the JSON that is expected ({field}): {message}.";
    }

    // The serialiser names the type of the field or that of the whole body, by what went wrong.
    private static string Expected(string type, string field) => type switch
    {
        _ when type.Contains("Guid", StringComparison.Ordinal) || field.EndsWith("Id", StringComparison.Ordinal) => "a UUID such as 00000000-0000-0000-0000-000000000001",
        _ when type.Contains("Int", StringComparison.Ordinal) => "a whole number",
        _ when type.Contains("Double", StringComparison.Ordinal) => "a number",
        _ when type.Contains("Boolean", StringComparison.Ordinal) => "true or false",
        _ when type.Contains("DateTime", StringComparison.Ordinal) => "a time such as 2026-01-20T18:30:00Z",
        _ when type.Contains("String", StringComparison.Ordinal) => "text",
        _ => "what /openapi/v1.json says of it",
    };

    [GeneratedRegex("""^The JSON property '(?<name>.*?)' could not be mapped""", RegexOptions.Singleline)]
    private static partial Regex Unknown();

    [GeneratedRegex("""missing required properties including: (?<names>.*)$""", RegexOptions.Singleline)]
    private static partial Regex Missing();

    [GeneratedRegex("""could not be converted to (?<type>[^ ]+)""")]
    private static partial Regex Unconvertible();

    [GeneratedRegex("""^Failed to bind parameter "(?<type>[^ "]+) (?<name>[^"]+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex Unbindable();
}
