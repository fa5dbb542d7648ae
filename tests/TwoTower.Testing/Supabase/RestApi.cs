using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace TwoTower.Testing;

/// <summary>PostgREST's answers, made by the real database as the role of the request's token.</summary>
internal sealed partial class RestApi(NpgsqlDataSource authenticator)
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public int MaxRows { get; set; } = 1000;

    public bool SaysProxyStatus { get; set; } = true;

    public Dictionary<string, int> Calls { get; } = [];

    public async Task AnswerAsync(HttpContext context, string path, string body)
    {
        var (request, response) = (context.Request, context.Response);
        var caller = SupabaseTokens.Read(request);
        try
        {
            if (caller.Code is { } code)
            {
                response.Headers.WWWAuthenticate = $"Bearer error=\"invalid_token\", error_description=\"{caller.Message}\"";
                throw new RestException(401, code, caller.Message!, caller.Details);
            }

            var profile = request.Headers[HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) ? "Accept-Profile" : "Content-Profile"].ToString();
            if (profile.Length > 0 && profile != "public")
            {
                throw new RestException(406, "PGRST106", $"Invalid schema: {profile}", hint: "Only the following schemas are exposed: public");
            }

            await using var connection = await authenticator.OpenConnectionAsync(context.RequestAborted);
            await using var transaction = await connection.BeginTransactionAsync(context.RequestAborted);
            var call = new RestCall(connection, request, body, MaxRows);
            RestAnswer answer;
            if (path.StartsWith("/rpc/", StringComparison.Ordinal))
            {
                lock (Calls) Calls[path[5..]] = Calls.GetValueOrDefault(path[5..]) + 1;
                answer = await FunctionAsync(call, path[5..], caller);
            }
            else
            {
                answer = await TableAsync(call, Uri.UnescapeDataString(path.TrimStart('/')), caller);
            }

            await transaction.CommitAsync(context.RequestAborted);
            await WriteAsync(response, request, answer);
        }
        catch (RestException error)
        {
            await FailAsync(response, request, error.Status, error.Code, error.Message, error.Details, error.Hint);
        }
        catch (PostgresException error)
        {
            var isAnonymous = caller.Role is "anon" or null || error.SqlState == "22023" && error.MessageText.StartsWith("role ", StringComparison.Ordinal);
            var status = StatusOf(error.SqlState, isAnonymous);
            if (status == 401) response.Headers.WWWAuthenticate = "Bearer";
            await FailAsync(response, request, status, error.SqlState, error.MessageText, error.Detail, error.Hint);
        }
    }

    private static async Task<RestAnswer> TableAsync(RestCall call, string table, Caller caller)
    {
        var columns = await call.ColumnsAsync(table);
        if (columns.Count == 0) throw new RestException(404, "PGRST205", $"Could not find the table 'public.{table}' in the schema cache");
        var query = new RestQuery(call.Request.Query);
        return call.Request.Method switch
        {
            "GET" or "HEAD" => await ReadAsync(call, table, query, caller),
            "POST" => await InsertAsync(call, table, columns, query, caller),
            "PATCH" => await ChangeAsync(call, table, columns, query, caller),
            "DELETE" => await ChangeAsync(call, table, null, query, caller),
            _ => throw new RestException(405, "PGRST117", $"Unsupported HTTP method: {call.Request.Method}"),
        };
    }

    private static async Task<RestAnswer> ReadAsync(RestCall call, string table, RestQuery query, Caller caller)
    {
        var select = await call.SelectAsync(table, query.Select);
        var where = query.Where(table);
        var (first, last) = call.Range();
        var offset = query.Offset ?? first;
        var limit = Math.Min(query.Limit ?? (last is { } end ? end - offset + 1 : long.MaxValue), call.MaxRows);
        await call.BecomeAsync(caller);
        var total = call.Prefers("count") is null ? (long?)null
            : await call.ScalarAsync<long>($"select count(*) from public.{RestQuery.Quote(table)}{where}", query.Values);
        if (total is { } all && offset > all)
        {
            throw new RestException(416, "PGRST103", "Requested range not satisfiable", $"An offset of {offset} was requested, but there are only {all} rows.");
        }

        var (rows, json) = await call.RowsAsync(
            $"select {select} from public.{RestQuery.Quote(table)}{where}{query.Order(table)} limit {limit} offset {offset}", query.Values);
        var range = $"{(rows == 0 ? "*" : $"{offset}-{offset + rows - 1}")}/{(total is { } count ? count : "*")}";
        return new(total is { } known && rows < known ? 206 : 200, json, range, call.Applied("count"));
    }

    private static async Task<RestAnswer> InsertAsync(
        RestCall call, string table, IReadOnlyDictionary<string, string> types, RestQuery query, Caller caller)
    {
        var named = call.Request.Query["columns"].ToString();
        var (json, keys) = Rows(call.Body, named.Length > 0 ? [.. named.Split(',').Select(name => name.Trim('"'))] : null);
        if (keys.FirstOrDefault(key => !types.ContainsKey(key)) is { } unknown)
        {
            throw new RestException(400, "PGRST204", $"Could not find the '{unknown}' column of '{table}' in the schema cache");
        }

        var resolution = call.Prefers("resolution");
        var returns = call.Prefers("return") == "representation";
        var conflict = call.Request.Query["on_conflict"].ToString() is { Length: > 0 } given ? given.Split(',') : [.. await call.PrimaryKeyAsync(table)];
        var select = returns ? await call.SelectAsync(table, query.Select) : "";
        await call.BecomeAsync(caller);
        var applied = call.Applied("resolution", "return");
        if (keys.Count == 0) return new(resolution == "merge-duplicates" ? 200 : 201, returns ? "[]" : null, "*/*", applied);

        var list = string.Join(", ", keys.Select(RestQuery.Quote));
        var record = string.Join(", ", keys.Select(key => $"{RestQuery.Quote(key)} {types[key]}"));
        var rest = keys.Except(conflict).ToArray();
        var target = string.Join(", ", conflict.Select(RestQuery.Quote));
        var values = string.Join(", ", rest.Select(key => $"{RestQuery.Quote(key)} = excluded.{RestQuery.Quote(key)}"));
        var clause = (resolution, rest.Length) switch
        {
            (null, _) => "",
            ("merge-duplicates", > 0) => $" on conflict ({target}) do update set {values}",
            _ => $" on conflict ({target}) do nothing",
        };
        var insert = $"insert into public.{RestQuery.Quote(table)} ({list}) select {list} from json_to_recordset($1) as _ ({record}){clause}";
        if (resolution is null && !returns)
        {
            await call.ExecuteAsync(insert, json);
            return new(201, null, "*/*", applied);
        }

        var (inserted, rows) = await call.WrittenAsync(insert, table, select, json);
        return new(resolution == "merge-duplicates" && inserted == 0 ? 200 : 201, returns ? rows : null, "*/*", applied);
    }

    private static async Task<RestAnswer> ChangeAsync(
        RestCall call, string table, IReadOnlyDictionary<string, string>? types, RestQuery query, Caller caller)
    {
        var where = query.Where(table);
        var verb = types is null ? "DELETE" : "UPDATE";
        if (where.Length == 0) throw new RestException(400, "21000", $"{verb} requires a WHERE clause");
        var returns = call.Prefers("return") == "representation";
        var select = returns ? await call.SelectAsync(table, query.Select) : "1";
        var values = query.Values.ToList();
        string sql;
        if (types is null)
        {
            sql = $"delete from public.{RestQuery.Quote(table)}{where}";
        }
        else
        {
            var (json, keys) = Rows(call.Body, null);
            if (keys.FirstOrDefault(key => !types.ContainsKey(key)) is { } unknown)
            {
                throw new RestException(400, "PGRST204", $"Could not find the '{unknown}' column of '{table}' in the schema cache");
            }

            values.Add(json);
            var record = string.Join(", ", keys.Select(key => $"{RestQuery.Quote(key)} {types[key]}"));
            sql = $"update public.{RestQuery.Quote(table)} set {string.Join(", ", keys.Select(key => $"{RestQuery.Quote(key)} = _.{RestQuery.Quote(key)}"))} "
                + $"from json_to_recordset(${values.Count}::json) as _ ({record}){where}";
        }

        await call.BecomeAsync(caller);
        long count;
        string? rowsJson = null;
        if (returns) (count, rowsJson) = await call.RowsAsync($"with changed as ({sql} returning {RestQuery.Quote(table)}.*) select {select} from changed as {RestQuery.Quote(table)}", values);
        else count = await call.ExecuteAsync(sql, values);
        return new(returns ? 200 : 204, rowsJson, $"*/{(call.Prefers("count") is null ? "*" : count)}", call.Applied("return", "count"));
    }

    // The rows as an array, and the keys that all of them have.
    private static (string Json, IReadOnlyList<string> Keys) Rows(string body, IReadOnlyList<string>? named)
    {
        JsonElement json;
        try
        {
            json = JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            throw new RestException(400, "PGRST102", "Empty or invalid json");
        }

        if (json.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)) throw new RestException(400, "PGRST102", "Empty or invalid json");
        JsonElement[] rows = json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : [json];
        if (named is not null) return (json.ValueKind == JsonValueKind.Array ? body : $"[{body}]", rows.Length == 0 ? [] : named);
        string[] keys = rows.Length == 0 ? [] : [.. rows[0].EnumerateObject().Select(property => property.Name)];
        if (rows.Any(row => !row.EnumerateObject().Select(property => property.Name).ToHashSet().SetEquals(keys)))
        {
            throw new RestException(400, "PGRST102", "All object keys must match");
        }

        return (json.ValueKind == JsonValueKind.Array ? body : $"[{body}]", keys);
    }

    private static async Task WriteAsync(HttpResponse response, HttpRequest request, RestAnswer answer)
    {
        response.StatusCode = answer.Status;
        response.Headers.ContentRange = answer.Range;
        if (answer.Applied.Length > 0) response.Headers["Preference-Applied"] = answer.Applied;
        if (answer.Body is null) return;
        response.ContentType = "application/json; charset=utf-8";
        if (request.Method != HttpMethods.Head) await response.WriteAsync(answer.Body);
    }

    private async Task FailAsync(HttpResponse response, HttpRequest request, int status, string code, string message,
        string? details, string? hint)
    {
        response.StatusCode = status;
        if (SaysProxyStatus) response.Headers["Proxy-Status"] = $"PostgREST; error={code}";
        response.ContentType = "application/json; charset=utf-8";
        if (request.Method != HttpMethods.Head) await response.WriteAsync(JsonSerializer.Serialize(new { code, details, hint, message },
            Relaxed));
    }

    private static int StatusOf(string code, bool isAnonymous) => code switch
    {
        "42501" => isAnonymous ? 401 : 403,
        "22023" when isAnonymous => 401,
        "23503" or "23505" => 409,
        "42P01" or "42883" => 404,
        "21000" or "57014" => 500,
        ['5', '3', ..] or ['0', '8', ..] => 503,
        _ => 400,
    };
}

/// <summary>An answer of success.</summary>
internal sealed record RestAnswer(int Status, string? Body, string Range, string Applied);
