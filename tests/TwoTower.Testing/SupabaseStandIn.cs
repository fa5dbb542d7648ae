using System.Net;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace TwoTower.Testing;

/// <summary>
/// PostgREST's part that calls functions (<c>POST /rest/v1/rpc/NAME</c>), over a project's database and real HTTP: roles by key, answers
/// and errors as the
/// recorded exchanges have them.
/// </summary>
public sealed class SupabaseStandIn : IAsyncDisposable
{
    /// <summary>A new secret key: it goes into apikey, and is refused as a token.</summary>
    public const string SecretKey = "sb_secret_0123456789abcdefghijkl";

    private readonly HttpListener _listener = new();
    private readonly TestDatabase _db;
    private readonly Task _serving;
    private int _requests;

    public SupabaseStandIn(TestDatabase db)
    {
        _db = db;
        Url = $"http://127.0.0.1:{FreePort.Next()}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Its address, SUPABASE_URL.</summary>
    public string Url { get; }

    /// <summary>Requests so far, by name of the function.</summary>
    public Dictionary<string, int> Calls { get; } = [];

    /// <summary>What <c>/auth/v1/.well-known/jwks.json</c> answers: the public keys that tokens are verified with.</summary>
    public (int Status, string Body) Keys { get; set; } = (200, """{"keys": []}""");

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
        while (Volatile.Read(ref _requests) > 0) await Task.Delay(10);
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            Interlocked.Increment(ref _requests);
            _ = AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            var (status, body) = context.Request.Url!.AbsolutePath == "/auth/v1/.well-known/jwks.json" ? Keys : await CallAsync(context.Request);
            var bytes = Encoding.UTF8.GetBytes(body);
            (context.Response.StatusCode, context.Response.ContentType) = (status, "application/json; charset=utf-8");
            await context.Response.OutputStream.WriteAsync(bytes);
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // The client or the test is gone.
        }
        finally
        {
            Interlocked.Decrement(ref _requests);
        }
    }

    private async Task<(int Status, string Body)> CallAsync(HttpListenerRequest request)
    {
        if (request.Headers["authorization"]?.Contains(SecretKey, StringComparison.Ordinal) == true)
        {
            return (401, Error("PGRST301", "Expected 3 parts in JWT; got 1"));
        }

        var role = request.Headers["apikey"] == SecretKey ? "service_role" : "anon";
        var name = request.Url!.AbsolutePath.Split('/')[^1];
        lock (Calls) Calls[name] = Calls.GetValueOrDefault(name) + 1;
        var json = await new StreamReader(request.InputStream).ReadToEndAsync();
        string[] given = [.. JsonElement.Parse(json).EnumerateObject().Select(property => property.Name)];

        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        try
        {
            var arguments = new List<(string Name, string Type)>();
            bool isSet;
            await using (var find = new NpgsqlCommand(
                """
                select p.proretset, a.name, format_type(p.proargtypes[a.position - 1], null)
                from pg_proc p left join lateral unnest(p.proargnames[1:p.pronargs]) with ordinality as a (name, position) on true
                where p.oid = (
                  select f.oid from pg_proc f
                  where f.pronamespace = 'public'::regnamespace and f.proname = $1 and coalesce(f.proargnames[1:f.pronargs], '{}') @> $2
                    and f.pronargs - f.pronargdefaults <= cardinality($2)
                  order by f.pronargs limit 1)
                order by a.position
                """, connection)
            { Parameters = { new() { Value = name }, new() { Value = given } } })
            await using (var reader = await find.ExecuteReaderAsync())
            {
                if (!await reader.ReadAsync()) return (
                    404, Error("PGRST202", $"Could not find the function public.{name} in the schema cache"));
                isSet = reader.GetBoolean(0);
                do
                {
                    if (!await reader.IsDBNullAsync(1) && given.Contains(reader.GetString(1))) arguments.Add(
                        (reader.GetString(1), reader.GetString(2)));
                }
                while (await reader.ReadAsync());
            }

            await using (
                var become = new NpgsqlCommand("select set_config('role', $1, true)", connection) { Parameters = { new() { Value = role } } })
            {
                await become.ExecuteNonQueryAsync();
            }

            var columns = string.Join(", ", arguments.Select(argument => $"\"{argument.Name}\" {argument.Type}"));
            var passed = string.Join(", ", arguments.Select(argument => $"\"{argument.Name}\" => a.\"{argument.Name}\""));
            var from = arguments.Count == 0 ? "" : $"from json_to_record($1) as a ({columns})";
            var sql = isSet
                ? $"select coalesce(json_agg(f), '[]')::text {(from == "" ? "from" : from + " cross join lateral")} public.{name}({passed}) f"
                : $"select to_json(public.{name}({passed}))::text {from}";
            await using var command = new NpgsqlCommand(sql, connection);
            if (arguments.Count > 0) command.Parameters.Add(new() { Value = json, NpgsqlDbType = NpgsqlDbType.Json });
            var answer = await command.ExecuteScalarAsync() as string ?? "null";
            await transaction.CommitAsync();
            return (200, answer);
        }
        catch (PostgresException e)
        {
            return (
                e.SqlState == PostgresErrorCodes.InsufficientPrivilege ? role == "anon" ? 401 : 403 : 400,
                Error(e.SqlState, e.MessageText, e.Detail, e.Hint));
        }
    }

    private static string Error(string code, string message, string? details = null, string? hint = null) =>
        JsonSerializer.Serialize(new { code, details, hint, message });
}
