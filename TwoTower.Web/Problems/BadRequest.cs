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
            return $"The body isn't the JSON that is expected: {json.Message}";
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
            return $"{bad.Message} A bundle may be as large as TwoTower:Api:MaxBundleMb says.";
        }

        return bad.Message.Contains("no body was provided", StringComparison.OrdinalIgnoreCase)
            ? "The body is empty: JSON is expected."
            : bad.Message;
    }

    [GeneratedRegex("""^Failed to bind parameter "(?<type>[^ "]+) (?<name>[^"]+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex Unbindable();
}
