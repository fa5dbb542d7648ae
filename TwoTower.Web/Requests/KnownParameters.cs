using System.Collections.Frozen;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Web.Requests;

/// <summary>
/// The parameters of each operation, as its document has them. Another name in the query is refused: a filter that is spelt wrongly would
/// otherwise show what it was to hide. An id has one form, here as in bodies.
/// </summary>
internal sealed class KnownParameters(IApiDescriptionGroupCollectionProvider operations)
{
    private readonly Lazy<FrozenDictionary<string, (FrozenSet<string> Query, string[] Ids)>> _byOperation = new(() =>
        operations.ApiDescriptionGroups.Items
        .SelectMany(group => group.Items)
        .GroupBy(operation => operation.ActionDescriptor.DisplayName ?? "", StringComparer.Ordinal)
        .ToFrozenDictionary(
            group => group.Key,
            group => (
                group.SelectMany(operation => operation.ParameterDescriptions)
                    .Where(parameter => parameter.Source == BindingSource.Query)
                    .Select(parameter => parameter.Name)
                    .ToFrozenSet(StringComparer.OrdinalIgnoreCase),
                group.SelectMany(operation => operation.ParameterDescriptions)
                    .Where(parameter => (parameter.Type.GetElementType() ?? parameter.Type) == typeof(Guid))
                    .Select(parameter => parameter.Name)
                    .ToArray())));

    /// <summary>Refuses a parameter that the operation hasn't, and an id in another form.</summary>
    /// <exception cref="InputException">The name isn't known.</exception>
    /// <exception cref="BadHttpRequestException">An id can't be read.</exception>
    public void Check(Endpoint endpoint, HttpRequest request)
    {
        if (!_byOperation.Value.TryGetValue(endpoint.DisplayName ?? "", out var parameters)) return;
        CheckNames(parameters.Query, request);
        foreach (var name in parameters.Ids)
        {
            if (request.RouteValues.TryGetValue(name, out var inPath)) CheckId(name, inPath as string);
            else foreach (var value in request.Query[name]) CheckId(name, value);
        }
    }

    private static void CheckId(string name, string? value)
    {
        if (!Uuid.TryParse(value, out _)) throw new BadHttpRequestException($"{name} '{value}' isn't {Uuid.Expected}.");
    }

    private static void CheckNames(FrozenSet<string> names, HttpRequest request)
    {
        foreach (var name in request.Query.Keys)
        {
            if (names.Contains(name)) continue;
            throw new InputException(names.Count == 0
                ? $"There is no parameter '{name}' here: this operation takes none in the query."
                : $"There is no parameter '{name}' here: those that there are: {string.Join(", ", names.Order(StringComparer.Ordinal))}.");
        }
    }
}
