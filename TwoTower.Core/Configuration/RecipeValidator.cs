using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace TwoTower.Core.Configuration;

/// <summary>Checks a recipe's annotations, section by section. Messages name the key, its value and what is allowed.</summary>
internal static class RecipeValidator
{
    /// <summary>Refuses a recipe with the first thing that is wrong with it.</summary>
    /// <param name="source">Where it comes from, for the message.</param>
    /// <exception cref="InputException">A value is out of range.</exception>
    public static void Validate(Recipe recipe, string source)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        Validate(recipe, recipe.Kind, "", source);
    }

    private static void Validate(object section, RecipeKind kind, string prefix, string source)
    {
        foreach (var (key, property) in RecipeKeys.Level(section.GetType()))
        {
            // What only the other kind has isn't read.
            if (property.GetCustomAttribute<OnlyOfAttribute>() is { } only && only.Kind != kind) continue;
            var value = property.GetValue(section);
            if (RecipeKeys.IsSection(property.PropertyType))
            {
                Validate(value!, kind, $"{prefix}{key}.", source);
                continue;
            }

            foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
            {
                if (value is double.NaN || !rule.IsValid(value))
                {
                    throw new InputException($"{source}: {prefix}{key} is {Show(value)}; it must be {Allowed(property)}.");
                }
            }
        }

        if (section is IValidatableObject further)
        {
            foreach (var result in further.Validate(new ValidationContext(section)))
            {
                throw new InputException($"{source}: {prefix}{result.ErrorMessage}");
            }
        }
    }

    private static string Allowed(PropertyInfo property)
    {
        List<string> allowed = [];
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            allowed.Add(rule switch
            {
                RangeAttribute range => $"between {range.Minimum} and {range.Maximum}",
                MinLengthAttribute shortest => $"at least {shortest.Length} long",
                MaxLengthAttribute longest => $"at most {longest.Length} long",
                RegularExpressionAttribute pattern => $"lower-case letters, digits and hyphens ({pattern.Pattern})",
                RequiredAttribute => "given",
                _ => rule.FormatErrorMessage(property.Name),
            });
        }

        return string.Join(" and ", allowed);
    }

    private static string Show(object? value) => value switch
    {
        null => "null",
        string text => $"'{text}'",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>())}]",
        bool flag => flag ? "true" : "false",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };
}
