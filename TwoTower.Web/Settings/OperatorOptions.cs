using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace TwoTower.Web.Settings;

/// <summary>
/// Operators' keys by their names: settings section <c>TwoTower:Operators</c>. Each name is a setting of its own, such as
/// <c>TwoTower__Operators__alice</c> in the environment.
/// </summary>
public sealed class OperatorOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Operators";

    /// <summary>
    /// The key of that operator, 16 to 512 printable ASCII characters without spaces. The name (a–z, 0–9, dots, dashes and underscores, 50
    /// at most) is what the history of releases and experiments says. A secret: give it by the environment or a secret store.
    /// </summary>
    public Dictionary<string, string> Names { get; set; } = new(StringComparer.OrdinalIgnoreCase);
}

internal sealed partial class OperatorOptionsValidator(IOptions<ApiOptions> api) : IValidateOptions<OperatorOptions>
{
    public ValidateOptionsResult Validate(string? name, OperatorOptions options)
    {
        var faults = new List<string>();
        foreach (var (who, key) in options.Names.Select(named => (named.Key, (string?)named.Value))) // JSON may say null
        {
            if (!Name().IsMatch(who))
            {
                faults.Add($"{OperatorOptions.Section}:{who}: the name must be 1 to 50 of a–z, 0–9, dots, dashes and underscores.");
            }

            if (key is null || !Key().IsMatch(key))
            {
                faults.Add($"{OperatorOptions.Section}:{who}: the key must be 16 to 512 printable ASCII characters without spaces.");
            }
        }

        // Whose it was would be a matter of chance.
        foreach (var shared in options.Names.Where(named => named.Value is not null)
            .GroupBy(named => named.Value, named => named.Key, StringComparer.Ordinal).Where(same => same.Count() > 1))
        {
            var names = string.Join(" and ", shared.Order(StringComparer.Ordinal));
            faults.Add($"{OperatorOptions.Section}: {names} have the same key: give each one of its own.");
        }

        foreach (var (who, _) in options.Names.Where(named => named.Value is not null && named.Value == api.Value.OperatorKey))
        {
            faults.Add($"{OperatorOptions.Section}:{who} is the key of {ApiOptions.Section}:OperatorKey, too: give each one of its own.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,50}$")]
    private static partial Regex Name();

    [GeneratedRegex("^[!-~]{16,512}$")]
    private static partial Regex Key();
}
