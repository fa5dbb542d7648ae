using System.Collections.Frozen;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using TwoTower.Core;

namespace TwoTower.Web.Requests;

/// <summary>
/// The parameters in the query of each operation, as its document has them. Another name is refused: a filter that is spelt wrongly would
/// otherwise show what it was to hide.
/// </summary>
internal sealed class KnownParameters(IApiDescriptionGroupCollectionProvider operations)
{
    private readonly Lazy<FrozenDictionary<string, FrozenSet<string>>> _byOperation = new(() => operations.ApiDescriptionGroups.Items
        .SelectMany(group => group.Items)
        .GroupBy(operation => operation.ActionDescriptor.DisplayName ?? "", StringComparer.Ordinal)
        .ToFrozenDictionary(
            group => group.Key,
            group => group.SelectMany(operation => operation.ParameterDescriptions)
                .Where(parameter => parameter.Source == BindingSource.Query)
                .Select(parameter => parameter.Name)
                .ToFrozenSet(StringComparer.OrdinalIgnoreCase)));

    /// <summary>Refuses a parameter that the operation hasn't.</summary>
    /// <exception cref="InputException">The name isn't known.</exception>
    public void Check(Endpoint endpoint, HttpRequest request)
    {
        if (request.Query.Count == 0 || !_byOperation.Value.TryGetValue(endpoint.DisplayName ?? "", out var names)) return;
        foreach (var name in request.Query.Keys)
        {
            if (names.Contains(name)) continue;
            throw new InputException(names.Count == 0
                ? $"There is no parameter '{name}' here: this operation takes none in the query."
                : $"There is no parameter '{name}' here: those that there are: {string.Join(", ", names.Order(StringComparer.Ordinal))}.");
        }
    }
}
