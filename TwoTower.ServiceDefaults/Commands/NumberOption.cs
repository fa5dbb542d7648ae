using System.CommandLine;
using System.Globalization;

namespace TwoTower.ServiceDefaults.Commands;

/// <summary>Options that take a whole number; what isn't one is refused by name, value and range.</summary>
internal static class NumberOption
{
    public static Option<int?> Create(
        string name, string description, int min, int max = int.MaxValue, int? defaultValue = null, string? alias = null)
    {
        var option = new Option<int?>(name)
        {
            Description = defaultValue is { } shown ? $"{description} [default: {shown}]" : description,
            HelpName = "N",
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min
                    && number <= max)
                {
                    return number;
                }

                result.AddError(max == int.MaxValue ? $"{name} {text} is not a whole number of at least {min}" : $"{name} {text} is not a whole number from {min} to {max}");
                return null;
            },
        };
        if (alias is not null) option.Aliases.Add(alias);
        return option;
    }
}
