using System.Collections;
using System.ComponentModel.DataAnnotations;

namespace TwoTower.Web.Requests;

/// <summary>A list of a body may have no null among its values.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NoNullsAttribute() : ValidationAttribute("The field {0} has a null among its values: leave it out.")
{
    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is not IEnumerable values || !values.Cast<object?>().Contains(null);
}
