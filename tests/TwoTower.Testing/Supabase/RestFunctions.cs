using System.Text.Json;

namespace TwoTower.Testing;

/// <summary>Calls of functions: <c>/rpc/NAME</c>.</summary>
internal sealed partial class RestApi
{
    private static async Task<RestAnswer> FunctionAsync(RestCall call, string name, Caller caller)
    {
        var json = call.Request.Method == "POST"
            ? call.Body.Length == 0 ? "{}" : call.Body
            : JsonSerializer.Serialize(call.Request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
        string[] given;
        try
        {
            given = [.. JsonElement.Parse(json).EnumerateObject().Select(property => property.Name)];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new RestException(400, "PGRST102", "Empty or invalid json");
        }

        var (found, arguments, isSet, isRow) = await call.FunctionAsync(name, given);
        if (!found)
        {
            var (named, nearest) = (string.Join(", ", given), await call.NearestAsync(name));
            var with = given.Length switch { 0 => "without parameters", 1 => $"with parameter {named}", _ => $"with parameters {named}" };
            throw new RestException(
                404, "PGRST202", $"Could not find the function public.{name}({named}) in the schema cache",
                $"Searched for the function public.{name} {with} or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.",
                nearest is null ? null : $"Perhaps you meant to call the function public.{name}({nearest})");
        }

        await call.BecomeAsync(caller);
        var columns = string.Join(", ", arguments.Select(argument => $"{RestQuery.Quote(argument.Name)} {argument.Type}"));
        var passed = string.Join(", ", arguments.Select(argument => $"{RestQuery.Quote(argument.Name)} => a.{RestQuery.Quote(argument.Name)}"));
        var from = arguments.Count == 0 ? "" : $"from json_to_record($1::json) as a ({columns})";
        string[] values = arguments.Count == 0 ? [] : [json];
        if (isSet)
        {
            var (rows, list) = await call.RowsAsync(
                $"select {(isRow ? "f.*" : "f as value")} {(from.Length == 0 ? "from" : from + " cross join lateral")} public.{RestQuery.Quote(name)}({passed}) f", values, isRow ? "_t" : "_t.value");
            return new(200, list, $"{(rows == 0 ? "*" : $"0-{rows - 1}")}/*", "");
        }

        var value = await call.ScalarAsync<string>($"select to_json(public.{RestQuery.Quote(name)}({passed}))::text {from}", values);
        return new(200, value ?? "null", "0-0/*", "");
    }
}
