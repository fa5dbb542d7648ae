using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.Core.Formats;

namespace TwoTower.Web.Problems;

/// <summary>Says which parameter of a request can't be read, its value, and what was expected.</summary>
internal static partial class BadRequest
{
    /// <param name="bad">What the framework says.</param>
    /// <param name="body">What the body is read as; null for an operation without one.</param>
    public static string Explain(BadHttpRequestException bad, Type? body)
    {
        if (bad.InnerException is JsonException json)
        {
            return ExplainJson(json, body);
        }

        if (Unbindable().Match(bad.Message) is { Success: true } match)
        {
            var expected = match.Groups["type"].Value.Replace("Nullable<", "", StringComparison.Ordinal).TrimEnd('>') switch
            {
                "Guid" or "Guid[]" => Uuid.Expected,
                "int" => "a whole number",
                "bool" => "true or false",
                var type => type,
            };
            return $"{JsonNamingPolicy.CamelCase.ConvertName(match.Groups["name"].Value)} '{match.Groups["value"].Value}' isn't {expected}.";
        }

        // The server's own, which knows no setting's name.
        if (bad.StatusCode == StatusCodes.Status413PayloadTooLarge && bad.Message.StartsWith("Request body", StringComparison.Ordinal))
        {
            return $"{bad.Message} A bundle may have as much as TwoTower:Api:MaxBundleMb says.";
        }

        return bad.Message.Contains("no body was provided", StringComparison.OrdinalIgnoreCase)
            ? "The body is empty: JSON is expected."
            : bad.Message;
    }

    // In the words of the API: the names of its types are nobody's business.
    private static string ExplainJson(JsonException json, Type? body)
    {
        var field = json.Path is { Length: > 2 } path ? path[2..] : "the body";
        if (Unknown().Match(json.Message) is { Success: true } unknown) return $"There is no field '{unknown.Groups["name"].Value}' here.";
        if (Missing().Match(json.Message) is { Success: true } missing) return $"The body lacks {missing.Groups["names"].Value.TrimEnd('.')}.";
        if (Unconvertible().IsMatch(json.Message)) return $"{field} isn't {Expected(body, field)}.";

        var message = json.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.');
        return message.StartsWith(Uuid.Expected, StringComparison.Ordinal)
            ? $"{field} isn't {Uuid.Expected}."
            : $"The body isn't the JSON that is expected ({field}): {message}.";
    }

    // The serialiser names the type of the field or that of the whole body, by what went wrong: the field's own is looked up.
    private static string Expected(Type? body, string path)
    {
        var name = path.Split('.', '[')[0];
        var type = body?.GetProperties().FirstOrDefault(property =>
            property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))?.PropertyType;
        if (path.Contains('[', StringComparison.Ordinal)) type = type?.GetElementType() ?? type;
        return (Nullable.GetUnderlyingType(type ?? typeof(object)) ?? type) switch
        {
            null => "a JSON object",
            { IsArray: true } => "a list",
            var t when t == typeof(Guid) => Uuid.Expected,
            var t when t == typeof(int) || t == typeof(long) => "a whole number",
            var t when t == typeof(double) || t == typeof(decimal) => "a number",
            var t when t == typeof(bool) => "true or false",
            var t when t == typeof(DateTimeOffset) => "a time such as 2026-01-20T18:30:00Z",
            var t when t == typeof(string) => "text",
            _ => "what the OpenAPI document says of it",
        };
    }

    [GeneratedRegex("""^The JSON property '(?<name>.*?)' could not be mapped""", RegexOptions.Singleline)]
    private static partial Regex Unknown();

    [GeneratedRegex("""missing required properties including: (?<names>.*)$""", RegexOptions.Singleline)]
    private static partial Regex Missing();

    [GeneratedRegex("""could not be converted to (?<type>[^ ]+)""")]
    private static partial Regex Unconvertible();

    [GeneratedRegex("""^Failed to bind parameter "(?<type>[^ "]+) (?<name>[^"]+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex Unbindable();
}
